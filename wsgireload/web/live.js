{
	let page = document, url = page.currentScript.dataset.wsgireload, wait = 700, timer
	let note = page.createElement("p")
	note.role = "alert"
	note.style = "all:initial;position:fixed;inset:auto 0 0;z-index:99999;padding:1em;background:#8c1d2f;color:#fff;font:14px/1.5 monospace;white-space:pre-wrap"
	let show = text => {
		if (note.textContent == text) return
		note.textContent = text
		text ? page.body.append(note) : note.remove()
	}
	let poll = async () => {
		if (page.hidden) return
		try {
			let reply = await fetch(url)
			if (!reply.ok) throw show("This site answers " + reply.status)
			let state = await reply.json()
			if (state.files) await Promise.allSettled([...page.styleSheets, ...page.scripts].map(
				({href, src}) => fetch(href || src || url, {cache: "reload", mode: "no-cors"})
			))
			if (state.reload) return location.reload()
			show(state.held)
			wait = 700
		} catch {
			wait = Math.min(2 * wait, 6000)
		}
		clearTimeout(timer)
		timer = setTimeout(poll, wait)
	}
	timer = setTimeout(poll, wait)
	page.addEventListener("visibilitychange", poll)
}
