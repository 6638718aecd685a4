// What bench.py runs inside the page: `bench.<name>(widget)`.
window.bench = {
  async setup([code, trace]) {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.widget = (await import(url)).default;
    this.trace = trace;
  },

  make(name) {
    const acts = new Set();
    const state = { widget: name, trace: structuredClone(this.trace) };
    const model = {
      get: (key) => state[key],
      on: (_, act) => acts.add(act),
      off: (_, act) => acts.delete(act),
      tell: (message) => acts.forEach((act) => void act(message)),
    };
    const el = document.body.appendChild(document.createElement("div"));
    this.widget.initialize({ model });
    const stop = this.widget.render({ model, el });
    const end = () => {
      stop();
      el.remove();
    };
    return { model, el, end };
  },

  mount(name, times) {
    for (let i = 0; i < times; i += 1) this.make(name).end();
  },

  seek(name, times) {
    const shown = this.make(name);
    const range = shown.el.querySelector("input[type=range]");
    for (let i = 0; i < times; i += 1) {
      range.value = (range.max * ((i * 37) % times)) / times;
      range.dispatchEvent(new Event("input"));
      shown.el.getBoundingClientRect();
    }
    shown.end();
  },

  frames(name, milliseconds) {
    const shown = this.make(name);
    shown.el.querySelector(".kh-main").click();
    const begun = performance.now();
    const gaps = [];
    let last = begun;
    return new Promise((done) => {
      const tick = (now) => {
        gaps.push(now - last);
        last = now;
        if (now - begun < milliseconds) return void requestAnimationFrame(tick);
        shown.end();
        gaps.sort((a, b) => a - b);
        done([(1000 * gaps.length) / (last - begun), gaps[Math.floor(gaps.length * 0.95)]]);
      };
      requestAnimationFrame(tick);
    });
  },

  /** Megabytes still held after 100 mounts, once what is compiled on first use is there. */
  async kept(name) {
    const rest = async () => {
      for (let i = 0; i < 4; i += 1) {
        gc();
        await new Promise((done) => setTimeout(done, 60));
      }
      return performance.memory.usedJSHeapSize;
    };
    this.mount(name, 250);
    const before = await rest();
    this.mount(name, 100);
    return ((await rest()) - before) / 1e6;
  },

  async latency(name, cols) {
    const shown = this.make(name);
    const waits = [];
    for (let i = 0; i < 40; i += 1) {
      const begun = performance.now();
      const rows = [[100000 + i, 90000 + i, 0, 1, 2, 0, 0, 900, 200, i]];
      shown.model.tell({ kind: "append", seq: i + 1, batch: { req: { cols, rows } } });
      await new Promise((done) => requestAnimationFrame(done));
      waits.push(performance.now() - begun);
    }
    shown.end();
    return waits.sort((a, b) => a - b)[37];
  },
};
