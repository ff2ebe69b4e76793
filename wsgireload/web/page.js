const refresh = async () => {
  if (!document.hidden) {
    const old = document.querySelector("main")
    try {
      const answer = await fetch(location.href, {cache: "no-store"})
      if (!answer.ok) throw new Error(answer.status)
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html")
      const main = fresh.querySelector("main")
      const files = main.querySelector("details")
      if (files) files.open = old.querySelector("details")?.open
      document.title = fresh.title
      if (!old.isEqualNode(main)) old.replaceWith(main)
    } catch {
      old.classList.add("stale")
    }
  }
  setTimeout(refresh, 2000)
}
setTimeout(refresh, 2000)
