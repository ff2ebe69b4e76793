const PAUSE = 2000, MAIN = "main#wsgireload"

// Bring a tree up to date node by node: the focus, the selection and open details stay as they
// are, and a screen reader announces the state only when its text differs.
const update = (old, fresh) => {
  if (old.isEqualNode(fresh)) return
  if (old.nodeName != fresh.nodeName) return old.replaceWith(fresh)
  if (old.nodeType != Node.ELEMENT_NODE) return old.nodeValue = fresh.nodeValue
  for (const {name} of [...old.attributes])
    if (name != "open" && !fresh.hasAttribute(name)) old.removeAttribute(name)
  for (const {name, value} of fresh.attributes)
    if (old.getAttribute(name) != value) old.setAttribute(name, value)
  const before = [...old.childNodes]
  for (const [at, node] of [...fresh.childNodes].entries())
    at < before.length ? update(before[at], node) : old.append(node)
  for (const node of before.slice(fresh.childNodes.length)) node.remove()
}

const say = (selector, text) => {
  const node = document.querySelector(selector)
  if (node.textContent != text) node.textContent = text
}

const lost = headline => {
  document.title = "Connection lost · wsgireload"
  document.querySelector(MAIN).className = "lost"
  say(".state", "Connection lost")
  say(".now h2", headline)
  say(".now p", "What is shown below is from before. This page tries again every 2 s.")
}

const refresh = async () => {
  try {
    const answer = await fetch(location.href, {cache: "no-store", signal: AbortSignal.timeout(2e4)})
    const page = new DOMParser().parseFromString(await answer.text(), "text/html")
    const main = page.querySelector(MAIN)
    if (!main) return lost(`The server answers ${answer.status}, and not with this page`)
    document.title = page.title
    // Before its first scan a process knows no files: the list stays, and what is open in it.
    const state = main.querySelector(".state").textContent
    if (state == "Starting") return say(".state", state)
    update(document.querySelector(MAIN), main)
  } catch {
    lost("The server does not answer")
  }
}

let timer
const next = async () => {
  clearTimeout(timer)
  if (document.hidden) return
  timer = undefined
  await refresh()
  timer = setTimeout(next, PAUSE)
}
timer = setTimeout(next, PAUSE)
document.addEventListener("visibilitychange", () => timer && next())
