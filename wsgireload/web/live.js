live: {
	const doc = document
	// Once is enough, also if a library replaces the body of the page and runs its scripts again.
	// A page that was saved, or written into another document, has no server.
	if (doc.wsgireload || !location.host) break live
	doc.wsgireload = 1
	let url = new URL(doc.currentScript.dataset.wsgireload, location).href, wait = 700, next, said, dismissed, mark = "", kept = {}, since = 0, again = 0

	// The banner: a message, what it means, and links. It is empty without a message.
	const make = (name, style, more) => Object.assign(doc.createElement(name), {style}, more)
	const banner = make("aside", "all:initial;position:fixed;inset:auto 0 0;z-index:2147483647;max-height:45vh;overflow:auto;padding:1em;background:#812;color:#fff;font:14px/1.5 monospace", {ariaLabel: "wsgireload"})
	const note = make("p", "all:initial;display:block;font:inherit;color:inherit;white-space:pre-wrap;overflow-wrap:anywhere", {role: "alert"})
	const old = make("span", "all:revert;margin-right:1em", {textContent: "The old code keeps serving."})
	const link = text => make("a", "all:revert;color:#fff;display:inline-block;padding:.3em 1em .3em 0", {textContent: text})
	const editor = link("Open in the editor"), page = link("Details")
	const button = make("button", "all:revert;font:inherit;padding:.2em 1em", {type: "button", textContent: "Dismiss (Esc)"})
	page.href = url.replace(/live\?.*/, "")
	const dismiss = () => {
		dismissed = note.textContent
		banner.remove()
	}
	button.onclick = dismiss
	const show = (text, place, serves) => {
		// A page may begin its own title like this, too.
		const title = mark ? doc.title.replace(/^\u26a0 ?/, "") : doc.title
		mark = text ? "\u26a0 " : ""
		if (mark || title != doc.title) doc.title = mark + title
		if (!text || text != dismissed) dismissed = ""
		if (!text || dismissed) return banner.remove()
		// The same message stays untouched: the focus may be in it, and it was announced.
		const message = [text, place, serves].join()
		if (message != said) {
			note.textContent = text
			editor.href = place || ""
			banner.replaceChildren(note, ...serves ? [old] : [], ...place ? [editor] : [], page, button)
			said = message
		}
		if (!banner.isConnected) doc.body.append(banner)
		move()
	}
	// Above what the page itself fixes at the bottom, as consent to cookies, and at the top if it
	// would cover the element with the focus.
	const move = () => {
		if (!banner.isConnected) return
		let bar = doc.elementsFromPoint(innerWidth / 2, innerHeight - 2).find(each => !banner.contains(each))
		while (bar && !/fixed|sticky/.test(getComputedStyle(bar).position)) bar = bar.parentElement
		const height = bar ? innerHeight - bar.getBoundingClientRect().top : 0
		const bottom = height < innerHeight / 2 ? height : 0
		const focus = doc.activeElement, {top, bottom: end} = focus.getBoundingClientRect()
		const edge = innerHeight - bottom - banner.offsetHeight
		const covers = focus != doc.body && !banner.contains(focus) && end > edge && top < innerHeight - bottom
		banner.style.inset = covers && top > banner.offsetHeight ? "0 0 auto" : `auto 0 ${bottom}px`
	}

	// What a reload would lose: text that was typed, and how far inner parts are scrolled. It stays
	// in this tab, without secrets, for ten minutes at the most.
	const secret = each => /password|hidden|file|submit|button|image|reset|multiple/.test(each.type)
		|| /off|one-time-code|cc-|password/.test(each.autocomplete + " " + each.form?.autocomplete)
		|| /passw|pwd|secret|token/i.test(each.name + each.id)
	const named = (selector, then) => {
		const seen = {}
		for (const each of doc.querySelectorAll(selector)) {
			const name = [each.tagName, each.id, each.name, each.type, each.type == "radio" && each.value].join()
			then(each, name + (seen[name] = 1 + (seen[name] || 0)))
		}
	}
	const FIELDS = "input,textarea,select"
	const state = each => /checkbox|radio/.test(each.type) ? "checked" : "value"
	// A script may have changed the address since the page was loaded.
	const store = () => "wsgireload " + location
	const reload = () => {
		const found = {...kept}
		named(FIELDS, (each, name) => {
			const now = each[state(each)], options = [...each.options || []]
			const first = options.find(option => option.defaultSelected) || options[0]
			const begun = first ? first.value : now === each.checked ? each.defaultChecked : each.defaultValue
			if (now !== begun && !secret(each)) found[name] = now
		})
		named("body *", (each, name) => {
			// Of a form these may be inputs of that name.
			const left = +each.scrollLeft, top = +each.scrollTop
			if (left || top) found["scroll " + name] = [left, top]
		})
		try {
			const few = JSON.stringify(found).length < 2e5 ? found : {}
			sessionStorage.setItem(store(), JSON.stringify([since || Date.now(), few, url, again]))
		} catch {}
		// The page may stay, if somebody wants to save something first.
		next = setTimeout(poll, 3e4)
		location.reload()
	}
	try {
		const [at, found, from, times] = JSON.parse(sessionStorage.getItem(store()))
		sessionStorage.removeItem(store())
		// A reload that brings the same page again got it from a cache, as a service worker's.
		if (from == url) again = Math.min(times + 1, 9)
		if (Date.now() - at < 6e5) kept = found
		since = at
	} catch {}
	const restore = () => {
		named(FIELDS, (each, name) => {
			if (!(name in kept) || secret(each)) return
			// An event may submit the form: there is none if nothing differs.
			const differs = each[state(each)] !== kept[name]
			each[state(each)] = kept[name]
			delete kept[name]
			if (differs) for (const type of ["input", "change"]) each.dispatchEvent(new Event(type, {bubbles: true}))
		})
		named("body *", (each, name) => {
			const place = kept["scroll " + name]
			if (place) each.scrollTo(...place)
			delete kept["scroll " + name]
		})
		// What has no place in an error page has one again after the repair.
		if (!Object.keys(kept).length) since = 0
	}

	// Replace the style sheets of this site; true if that has changed what they say.
	const rules = sheet => [...sheet.cssRules].map(each => each.styleSheet ? rules(each.styleSheet) : each.cssText).join("\n")
	const swap = async () => {
		const links = [...doc.querySelectorAll("link[rel~=stylesheet]")].filter(
			each => each.sheet && each.href.startsWith(location.origin + "/")
		)
		const changed = await Promise.all(links.map(each => new Promise((done, fail) => {
			const before = rules(each.sheet), fresh = each.cloneNode(), href = new URL(each.href)
			href.searchParams.set("wsgireload", Date.now())
			fresh.href = href
			fresh.onload = () => {
				each.remove()
				done(rules(fresh.sheet) != before)
			}
			fresh.onerror = fail
			each.after(fresh)
		})))
		return changed.includes(true)
	}
	// Bring the browser's own copies up to date, which it may otherwise keep showing.
	// Modules that others import, fonts and images are known only by what the page has loaded.
	const refetch = () => {
		const loaded = performance.getEntriesByType("resource").filter(({name, initiatorType: type}) =>
			/script|link|css|other/.test(type) || /^ima?g/.test(type) && name.startsWith(location.origin + "/"))
		const all = [...loaded.map(each => each.name), ...[...doc.styleSheets].map(each => each.href), ...[...doc.scripts].map(each => each.src)]
		return Promise.allSettled([...new Set(all)].filter(Boolean).map(
			each => fetch(each.replace(/[?&]wsgireload=\d+$/, ""), {cache: "reload", mode: "no-cors", signal: AbortSignal.timeout(3e3)})
		))
	}

	const poll = async () => {
		if (doc.hidden || !next) return
		next = clearTimeout(next)
		try {
			const got = await fetch(url, {signal: AbortSignal.timeout(2e4)})
			if (!got.ok) throw show("This site answers " + got.status
				+ (got.status == 500 ? ": new code does not start; see Apache's error log" : ""))
			const now = await got.json()
			if (now.files) await refetch()
			if (now.styles && await swap().catch(() => 0)) url = url.replace(/v=.*/, "v=" + now.styles)
			else if (now.reload) return reload()
			show(now.held, now.editor, 1)
			wait = 700
		} catch { wait = wait - 700 ? 2 * wait % 7e3 : 250 }
		next = setTimeout(poll, wait)
	}
	next = setTimeout(poll, wait << again)
	doc.addEventListener("visibilitychange", poll)
	doc.addEventListener("keydown", event => event.key == "Escape" && banner.isConnected && dismiss())
	for (const type of ["focusin", "scroll", "resize"]) addEventListener(type, move, {passive: true})
	doc.readyState == "complete" ? restore() : addEventListener("load", restore)
}
