// Counts the clicks that were answered, by worker. Numbers here are this page's own: the service's are in its metrics.
const hit = document.getElementById("hit");
const count = document.getElementById("count");
const trouble = document.getElementById("trouble");
const list = document.getElementById("workers");
const answering = document.getElementById("answering");
const workers = new Map(); // name → {row, meter, number, clicks}
let answered = 0;

hit.addEventListener("click", async () => {
  try {
    const response = await fetch("/click-button", { method: "POST" });
    if (!response.ok) throw new Error(`the service answered ${response.status}`);
    await response.json();
    trouble.hidden = true;
    count.textContent = String(++answered);
    document.getElementById("counted").textContent = answered === 1 ? "click answered on this page" : "clicks answered on this page";
    credit(nameOf(response.headers));
  } catch (problem) {
    trouble.textContent = `This click was not counted for sure: ${problem.message}.`;
    trouble.hidden = false;
  }
});

// A key shows the button going down, too.
hit.addEventListener("keydown", (e) => { if (e.key === " " || e.key === "Enter") hit.classList.add("down"); });
hit.addEventListener("keyup", () => hit.classList.remove("down"));
hit.addEventListener("blur", () => hit.classList.remove("down"));

function nameOf(headers) {
  const replica = headers.get("Replica");
  const pid = headers.get("Worker-Pid") ?? "?";
  return replica ? `${replica} · ${pid}` : `worker ${pid}`;
}

function credit(name) {
  const worker = workers.get(name) ?? add(name);
  worker.clicks++;
  const most = Math.max(...Array.from(workers.values(), (w) => w.clicks));
  for (const w of workers.values()) {
    w.meter.max = most;
    w.meter.value = w.clicks;
    w.number.textContent = String(w.clicks);
    w.row.classList.toggle("last", w === worker);
  }
  answering.textContent = workers.size === 1 ? "1 worker" : `${workers.size} workers`;
  document.getElementById("hint").hidden = workers.size > 1;
}

function add(name) {
  const row = document.createElement("li");
  const label = document.createElement("span");
  const meter = document.createElement("meter");
  const number = document.createElement("b");
  label.textContent = label.title = name;
  meter.min = 0;
  row.append(label, meter, number);
  list.append(row);
  const worker = { row, meter, number, clicks: 0 };
  workers.set(name, worker);
  return worker;
}
