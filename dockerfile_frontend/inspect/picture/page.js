"use strict";
// The page of one picture: pan, zoom, search, and what a box stands for. Everything shown comes as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const view = document.getElementById("view"), svg = view.querySelector("svg"), aside = document.querySelector("aside");
const search = document.getElementById("search"), boxes = [...svg.querySelectorAll("[data-node]")], arrows = [...svg.querySelectorAll("[data-edge]")];
const number = new Map(data.nodes.map((node, i) => [node.id, i]));
const whole = svg.viewBox.baseVal, drawn = { width: whole.width, height: whole.height };
let at = { x: 0, y: 0, scale: 1 }, chosen = -1;

function show() {
  svg.setAttribute("viewBox", `${at.x} ${at.y} ${view.clientWidth / at.scale} ${view.clientHeight / at.scale}`);
}
function fit() {
  const scale = Math.min(view.clientWidth / drawn.width, view.clientHeight / drawn.height, 1.25);
  at = { scale, x: (drawn.width - view.clientWidth / scale) / 2, y: (drawn.height - view.clientHeight / scale) / 2 };
  show();
}
function zoom(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const scale = Math.min(8, Math.max(0.02, at.scale * factor));
  at.x += x / at.scale - x / scale;
  at.y += y / at.scale - y / scale;
  at.scale = scale;
  show();
}
function centre(i) {
  const box = boxes[i].querySelector("rect");
  const half = (name, length) => box[name].baseVal.value + box[length].baseVal.value / 2;
  if (at.scale < 0.6) at.scale = 0.9;
  at.x = half("x", "width") - view.clientWidth / at.scale / 2;
  at.y = half("y", "height") - view.clientHeight / at.scale / 2;
  show();
}

function element(name, text, parent, kind) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  parent.append(made);
  return made;
}
function place(lines) {
  return (lines || []).map(([a, b]) => (b > a ? `${a}-${b}` : `${a}`)).join(", ");
}
function links(title, edges, end) {
  if (!edges.length) return;
  element("h3", title, aside);
  const list = element("ul", "", aside);
  for (const edge of edges) {
    const item = element("li", `${edge.kind} `, list), i = number.get(edge[end]);
    const link = element("a", data.nodes[i].name || data.nodes[i].kind, item);
    link.tabIndex = 0;
    link.onclick = () => { choose(i); centre(i); };
    link.onkeydown = (event) => { if (event.key === "Enter") link.onclick(); };
    const where = place(edge.lines);
    element("div", (edge.paths || []).join("\n") + (where ? `  (line ${where})` : ""), item, "dim").style.whiteSpace = "pre-line";
  }
}
function sum(nodes, name) {
  return nodes.reduce((total, node) => total + (node[name] || 0), 0);
}
function seconds(time) {
  if (time < 0.05) return "";
  return time < 60 ? `${+time.toFixed(1)} s` : `${Math.floor(time / 60)} min ${Math.round(time % 60)} s`;
}
function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < 4; unit++) bytes /= 1024;
  return bytes ? `${+bytes.toFixed(unit ? 1 : 0)} ${units[unit]}` : "";
}
function below(i) {
  const seen = new Set([i]), waiting = [i];
  while (waiting.length) {
    const id = data.nodes[waiting.pop()].id;
    for (const edge of data.edges) if (edge.to === id && !seen.has(number.get(edge.from))) {
      seen.add(number.get(edge.from));
      waiting.push(number.get(edge.from));
    }
  }
  return seen;
}
function tell(node, i) {
  aside.replaceChildren();
  element("h2", node.name || node.kind, aside);
  element("p", [node.kind, node.group && `stage ${node.group}`, node.id === data.target && "target", !node.needed && "not needed by the target"]
    .filter(Boolean).join(" · "), aside, "dim");
  for (const note of [...(node.notes || []), ...(node.mounts || [])]) element("p", note, aside, "dim");
  if (node.state) {
    element("h3", "Cache", aside);
    element("p", { cached: "cached", run: "runs", perhaps: "runs, unless what it reads comes out the same", unseen: "gone, and not needed" }[node.state] + (node.why ? `: ${node.why}` : ""), aside);
  }
  const all = [...below(i)].map((n) => data.nodes[n]);
  const steps = sum(all, "steps");
  element("h3", "Cost", aside);
  const spent = (nodes) => [seconds(sum(nodes, "seconds")), size(sum(nodes, "bytes"))].filter(Boolean).join(" and ");
  if (node.state) {
    const own = spent([node]), whole = spent(all), running = all.filter((each) => each.state === "run" || each.state === "perhaps");
    element("p", own ? `${own} when it last ran` : "not known how long it takes", aside);
    if (all.length > 1 && whole) element("p", `${whole} with all it needs`, aside);
    if (running.length) element("p", `${running.length} step${running.length > 1 ? "s run" : " runs"} for it${spent(running) ? `: ${spent(running)} last time` : ""}`, aside);
  }
  element("p", node.steps === undefined && node.kind !== "stage" ? `${all.length - 1} step${all.length === 2 ? "" : "s"} before it`
    : `${node.steps || 0} steps of its own, ${steps} with all it needs; ${all.filter((n) => n.kind === "image").length} images`, aside);
  links("Needs", data.edges.filter((edge) => edge.to === node.id), "from");
  links("Needed by", data.edges.filter((edge) => edge.from === node.id), "to");
  if (!node.lines || !data.source) return;
  element("h3", `${data.file} ${place(node.lines)}`, aside);
  const code = element("pre", "", aside), source = data.source.split("\n");
  for (const [first, last] of node.lines) for (let n = first; n <= last && n <= source.length; n++) {
    element("b", String(n), code);
    code.append(`${source[n - 1].replace(/\r$/, "")}\n`);
  }
}
function choose(i) {
  chosen = i;
  boxes.forEach((box, n) => box.classList.toggle("chosen", n === i));
  svg.classList.toggle("chosen-some", i >= 0);
  aside.hidden = i < 0;
  if (i < 0) return;
  const id = data.nodes[i].id, near = new Set([i]);
  arrows.forEach((arrow) => {
    const edge = data.edges[arrow.dataset.edge], mine = edge.from === id || edge.to === id;
    arrow.classList.toggle("near", mine);
    if (mine) near.add(number.get(edge.from)).add(number.get(edge.to));
  });
  boxes.forEach((box, n) => box.classList.toggle("near", near.has(n)));
  tell(data.nodes[i], i);
  show();
}

let found = [], turn = 0;
search.oninput = () => {
  const words = search.value.toLowerCase().trim();
  found = [];
  boxes.forEach((box, i) => {
    const node = data.nodes[i];
    const hit = words && [node.name, node.kind, node.group, ...(node.notes || []), ...(node.mounts || [])].join(" ").toLowerCase().includes(words);
    box.classList.toggle("found", Boolean(hit));
    if (hit) found.push(i);
  });
  turn = 0;
  document.getElementById("hits").textContent = words ? `${found.length} found` : "";
  if (found.length) centre(found[0]);
};
search.onkeydown = (event) => {
  if (event.key === "Enter" && found.length) {
    const i = found[turn++ % found.length];
    choose(i);
    centre(i);
  }
  if (event.key === "Escape") { search.value = ""; search.oninput(); search.blur(); }
  event.stopPropagation();
};

boxes.forEach((box, i) => {
  box.onclick = () => { if (!moved) choose(i); };
  box.onkeydown = (event) => {
    if (event.key === "Enter" || event.key === " ") { choose(i); event.preventDefault(); }
  };
});
let from = null, moved = false;
view.onpointerdown = (event) => { from = { x: event.clientX, y: event.clientY }; moved = false; };
view.onpointermove = (event) => {
  if (!from || !event.buttons) return;
  const x = event.clientX - from.x, y = event.clientY - from.y;
  if (!moved && Math.hypot(x, y) < 4) return;
  moved = true;
  view.classList.add("drag");
  at.x -= x / at.scale;
  at.y -= y / at.scale;
  from = { x: event.clientX, y: event.clientY };
  show();
};
view.onpointerup = view.onpointerleave = () => { from = null; view.classList.remove("drag"); };
view.onclick = (event) => { if (!moved && !event.target.closest("[data-node]")) choose(-1); };
view.onwheel = (event) => {
  event.preventDefault();
  const frame = view.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.clientX - frame.x, event.clientY - frame.y);
};
document.onkeydown = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = 60 / at.scale;
  const act = {
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": fit, "/": () => search.focus(), Escape: () => choose(-1),
    ArrowLeft: () => { at.x -= step; show(); }, ArrowRight: () => { at.x += step; show(); },
    ArrowUp: () => { at.y -= step; show(); }, ArrowDown: () => { at.y += step; show(); },
  }[event.key];
  if (act) { act(); event.preventDefault(); }
};
document.getElementById("fit").onclick = fit;
document.getElementById("theme").onclick = () => {
  const dark = getComputedStyle(document.documentElement).getPropertyValue("--bg").trim() === "#0d1117";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
};
window.onresize = show;
fit();
if (at.scale < 0.45 && number.has(data.target)) {  // too small to read: begin at the target
  at.scale = 0.75;
  centre(number.get(data.target));
  const within = (from, length, whole) => Math.max(Math.min(0, (whole - length) / 2), Math.min(from, whole - length));
  at.x = within(at.x, view.clientWidth / at.scale, drawn.width);
  at.y = within(at.y, view.clientHeight / at.scale, drawn.height);
  show();
}
const wanted = number.get(decodeURIComponent(location.hash.slice(1)));
if (wanted !== undefined) { choose(wanted); centre(wanted); }
