{
	let doc = document, url = doc.currentScript.dataset.wsgireload, wait = 700, next
	let note = doc.createElement("p")
	note.role = "alert"
	note.style = "all:initial;position:fixed;inset:auto 0 0;z-index:9999;padding:1em;background:#812;color:#fff;font:14px monospace;white-space:pre-wrap"
	let show = text => {
		if (note.textContent == text) return
		note.textContent = text
		text ? doc.body.append(note) : note.remove()
	}
	let poll = async () => {
		if (doc.hidden || !next) return
		next = clearTimeout(next)
		try {
			let got = await fetch(url, {signal: AbortSignal.timeout(2e4)})
			if (!got.ok) throw show("This site answers " + got.status)
			let now = await got.json()
			if (now.files) await Promise.allSettled([...doc.styleSheets, ...doc.scripts].map(
				({href, src}) => fetch(href || src || url, {cache: "reload", mode: "no-cors"})
			))
			if (now.reload) return location.reload()
			show(now.held)
			wait = 700
		} catch {
			wait = Math.min(2 * wait, 6e3)
		}
		next = setTimeout(poll, wait)
	}
	next = setTimeout(poll, wait)
	doc.addEventListener("visibilitychange", poll)
}
