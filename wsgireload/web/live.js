(() => {
  let page = document, at = page.currentScript.dataset.wsgireload, wait = 700, timer, note
  let show = text => {
    if (text == note?.textContent) return
    note?.remove()
    note = text && Object.assign(page.createElement("p"), {
      textContent: text,
      role: "alert",
      style: "all:initial;position:fixed;inset:auto 0 0;z-index:99999;padding:1em;background:#8c1d2f;color:#fff;font:14px/1.5 monospace;white-space:pre-wrap"
    })
    if (note) page.body.append(note)
  }
  let poll = async () => {
    if (page.hidden) return
    try {
      let answer = await fetch(at)
      if (!answer.ok) throw show("This site answers " + answer.status)
      let told = await answer.json()
      if (told.files) await Promise.allSettled([...page.styleSheets, ...page.scripts].map(
        ({href, src}) => fetch(href || src || at, {cache: "reload", mode: "no-cors"})
      ))
      if (told.reload) return location.reload()
      show(told.held)
      wait = 700
    } catch {
      wait = Math.min(2 * wait, 6e3)
    }
    clearTimeout(timer)
    timer = setTimeout(poll, wait)
  }
  timer = setTimeout(poll, wait)
  page.addEventListener("visibilitychange", poll)
})()
