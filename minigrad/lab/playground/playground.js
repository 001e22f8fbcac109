// The playground: plays the paths in #data. Nothing is computed here but where things are drawn.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words;
  const $ = (id) => document.getElementById(id);
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const SIZE = 400;
  const TALL = 180;
  const PATCH = "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z";
  // colour, dashes and marker: any one of them tells the methods apart
  const LOOKS = {
    gd: ["#0072B2", "", PATCH],
    momentum: ["#B36B00", "9 4", "M-4-4h8v8h-8z"],
    nesterov: ["#A8497F", "2 4", "M0-5.5L5 4H-5z"],
    adagrad: ["#007A5A", "12 4 2 4", "M0-6L5 0L0 6L-5 0z"],
    rmsprop: ["#D55E00", "5 3", "M0 5.5L-5-4H5z"],
    adam: ["#222222", "", "M-5-1.6h3.4V-5h3.2v3.4H5v3.2H1.6V5h-3.2V1.6H-5z"],
    radam: ["#2A8FC7", "10 3 2 3 2 3", "M-2.5-5h5L5 0L2.5 5h-5L-5 0z"],
  };

  const state = {
    surface: 0, start: 0, rate: 2, length: 3, momentum: 2, warm: false, speed: 20,
    methods: new Set(["gd", "momentum", "adam"]), frame: 0, playing: false,
  };
  const surface = () => data.surfaces[state.surface];
  const last = () => surface().frames.length - 1;

  // ---- words and numbers

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function number(value, digits = 3) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    const text = size >= 1e-3 && size < 1e5
      ? String(Number(value.toPrecision(digits)))
      : String(Number(value.toPrecision(digits)).toExponential());
    return text.replace("e+", "e").replaceAll("-", "−");
  }

  const decode = (text, i) => (DIGITS.indexOf(text[i]) * 64 + DIGITS.indexOf(text[i + 1])) / 4095;

  // ---- the runs that are shown

  const cache = new Map();

  function run(method) {
    const momentum = data.momenta[state.momentum];
    const key = !method.momentum ? method.name : momentum ? `${method.name} ${momentum}` : "gd";
    const rate = method.adaptive ? state.length : state.rate;
    const name = [state.surface, key, state.warm, rate, state.start].join("/");
    if (!cache.has(name)) {
      const s = surface();
      const [text, diverged, arrived, end] = s.runs[key][Number(state.warm)][rate][state.start];
      const wide = s.parameters.length + 1;
      const rows = [];
      for (let i = 0; i < text.length; i += 2 * wide) {
        const row = s.extent.map(([low, high], k) => low + (high - low) * decode(text, i + 2 * k));
        rows.push(row);
      }
      cache.set(name, { rows, diverged, arrived, end });
    }
    return cache.get(name);
  }

  const chosen = () => data.methods.filter((method) => state.methods.has(method.name));
  const loss = (height) => (surface().logarithmic ? 10 ** height : height);

  function result(method) {
    const s = surface();
    const r = run(method);
    const update = s.frames[state.frame];
    if (r.diverged !== null && update >= r.diverged) {
      return fill(words.diverged, { n: r.diverged });
    }
    const row = r.rows[Math.min(state.frame, r.rows.length - 1)];
    const value = state.frame === last() && r.end !== null ? r.end : loss(row[row.length - 1]);
    const text = number(value, state.frame === last() ? 3 : 2);
    return r.arrived !== null && update >= r.arrived
      ? fill(words.arrived, { loss: text, goal: number(s.goal), n: r.arrived })
      : fill(words.now, { loss: text });
  }

  // ---- drawing

  function element(parent, name, attributes = {}, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    parent.append(made);
    return made;
  }

  const scale = (low, high, from, to) => (v) => from + ((v - low) / (high - low)) * (to - from);

  function ticks(low, high) {
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) found.push(i * step);
    return found.map((v) => Number(v.toPrecision(12)));
  }

  function heights() {
    return surface().losses.map((v) => (surface().logarithmic ? Math.log10(v) : v));
  }

  function lossTicks(low, high) {
    if (!surface().logarithmic) return ticks(low, high).map((v) => [v, number(v)]);
    const step = Math.ceil((high - low) / 5);
    const found = [];
    for (let v = Math.ceil(low); v <= high + 1e-9; v += step) {
      found.push([v, Math.abs(v) < 3 ? number(10 ** v) : `1e${v}`.replace("-", "−")]);
    }
    return found;
  }

  function frame(svg, x, y, xs, ys, height, xname, yname) {
    for (const [v, text] of xs) {
      element(svg, "line", { class: "rule", x1: x(v), x2: x(v), y1: 0, y2: height });
      const below = { class: "tick", x: x(v), y: height + 17, "text-anchor": "middle" };
      element(svg, "text", below, text);
    }
    for (const [v, text] of ys) {
      element(svg, "line", { class: "rule", x1: 0, x2: SIZE, y1: y(v), y2: y(v) });
      element(svg, "text", { class: "tick", x: -6, y: y(v) + 4.5, "text-anchor": "end" }, text);
    }
    const middle = { class: "name", x: SIZE / 2, y: height + 37, "text-anchor": "middle" };
    element(svg, "text", middle, xname);
    const turn = `translate(-40 ${height / 2}) rotate(-90)`;
    element(svg, "text", { class: "name", transform: turn, "text-anchor": "middle" }, yname);
  }

  function inside(svg, height) {
    return element(svg, "svg", { width: SIZE, height, viewBox: `0 0 ${SIZE} ${height}` });
  }

  let map, chart; // {x, y, lines: {method: {path, marker}}}

  /** Halo, path and marker of each method: dashes above what is solid, so that both are seen. */
  function lines(parent) {
    const made = {};
    const layers = [0, 1, 2].map(() => element(parent, "g"));
    const names = chosen().map((method) => method.name);
    names.sort((a, b) => LOOKS[a][1].length - LOOKS[b][1].length);
    for (const name of names) {
      const [colour, dash, shape] = LOOKS[name];
      const light = { fill: "none", stroke: "#fff", "stroke-width": 5, opacity: 0.75 };
      const dark = {
        fill: "none", stroke: colour, "stroke-width": 2.2, "stroke-dasharray": dash,
        "stroke-linejoin": "round", "data-method": name,
      };
      const solid = { d: shape, fill: colour, stroke: "#fff", "stroke-width": 1.2 };
      made[name] = {
        halo: element(layers[0], "path", light),
        path: element(layers[1], "path", dark),
        marker: element(layers[2], "path", solid),
      };
    }
    return made;
  }

  function ground() {
    const s = surface();
    const flat = s.parameters.length === 2;
    const [low, high] = heights();
    const x = scale(...s.view[0], 0, SIZE);
    const y = flat ? scale(...s.view[1], SIZE, 0) : scale(low, high, SIZE, 0);
    $("map").replaceChildren();
    const named = (v) => [v, number(v)];
    const ys = flat ? ticks(...s.view[1]).map(named) : lossTicks(low, high);
    frame($("map"), x, y, ticks(...s.view[0]).map(named), ys, SIZE, s.parameters[0],
      flat ? s.parameters[1] : words.loss);
    const field = inside($("map"), SIZE);
    const half = element(field, "g", { transform: "scale(0.5)" });
    s.ground.forEach((d, i) => {
      const light = 99 - 30 * (i / Math.max(1, s.ground.length - 1));
      element(half, "path", flat
        ? { d, fill: `hsl(212 28% ${light}%)`, stroke: "#8796a6", "stroke-width": 1 }
        : { d, fill: "none", stroke: "#8796a6", "stroke-width": 4 });
    });
    const places = s.marks.map((at) => [x(at[0]), flat ? y(at[1]) : SIZE - 14]);
    for (const [left, top] of places) {
      const mark = element(field, "g", { transform: `translate(${left} ${top})` });
      const ring = { r: 8, fill: "#fff", "fill-opacity": 0.8, stroke: "#222" };
      element(mark, "circle", ring);
      element(mark, "path", { d: "M-4-4L4 4M-4 4L4-4", stroke: "#222", "stroke-width": 1.2 });
    }
    map = { x, y, flat, lines: lines(field) };
    places.forEach(([left, top], i) => {
      const [away, anchor] = left > 0.75 * SIZE ? [-13, "end"] : [13, "start"];
      const beside = { class: "mark", x: left + away, y: top + 4.5, "text-anchor": anchor };
      element(field, "text", beside, s.names[i]);
    });

    $("chart").replaceChildren();
    const n = s.frames[last()];
    chart = { x: scale(0, n, 0, SIZE), y: scale(low, high, TALL, 0), lines: {} };
    frame($("chart"), chart.x, chart.y, ticks(0, n).map(named), lossTicks(low, high), TALL,
      words.updates, words.loss);
    const plot = inside($("chart"), TALL);
    chart.lines = lines(plot);
  }

  const joined = (points) =>
    points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

  function place(drawn, points) {
    const d = joined(points);
    drawn.path.setAttribute("d", d);
    drawn.halo.setAttribute("d", d);
    const [x, y] = points[points.length - 1];
    drawn.marker.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  }

  function move() {
    const s = surface();
    const update = s.frames[state.frame];
    chosen().forEach((method, i) => {
      const rows = run(method).rows;
      const seen = rows.slice(0, state.frame + 1);
      // on a curve all balls would hide each other: each has a height of its own
      place(map.lines[method.name], seen.map((row) => map.flat
        ? [map.x(row[0]), map.y(row[1])]
        : [map.x(row[0]), map.y(row[1]) - 6 - 7 * i]));
      const points = seen.map((row, k) => [chart.x(s.frames[k]), chart.y(row[row.length - 1])]);
      if (rows.length <= state.frame && run(method).diverged === null) {
        points.push([chart.x(update), points[points.length - 1][1]]);
      }
      place(chart.lines[method.name], points);
    });
    for (const method of data.methods) {
      const output = $(`result-${method.name}`);
      output.textContent = state.methods.has(method.name) ? result(method) : "";
      const diverged = run(method).diverged;
      output.className = diverged !== null && update >= diverged ? "bad" : "";
    }
    $("at").textContent = fill(words.at, { n: update, all: s.frames[last()] });
    $("step").value = state.frame;
    $("step").setAttribute("aria-valuetext", $("at").textContent);
  }

  /** Tells who cannot see the picture; not while it moves. */
  function tell() {
    const results = chosen().map((method) => `${method.title}: ${result(method)}`).join("; ");
    const n = surface().frames[state.frame];
    const text = results ? fill(words.after, { n, what: results }) : words.none;
    $("status").textContent = text;
    $("map").setAttribute("aria-label", `${surface().title}. ${text}`);
  }

  // ---- time

  let before = null;
  let due = 0;

  function tick(now) {
    if (!state.playing) return;
    due += before === null ? 0 : ((now - before) / 1000) * state.speed;
    before = now;
    const whole = Math.floor(due);
    due -= whole;
    if (whole) {
      state.frame = Math.min(last(), state.frame + whole);
      move();
    }
    if (state.frame === last()) play(false);
    else requestAnimationFrame(tick);
  }

  function play(on) {
    state.playing = on;
    $("play").textContent = on ? words.pause : words.play;
    if (on) {
      if (state.frame === last()) state.frame = 0;
      before = null;
      due = 0;
      move();
      requestAnimationFrame(tick);
    } else {
      tell();
    }
  }

  // ---- controls

  function show() {
    const s = surface();
    $("surface").value = state.surface;
    $("start").replaceChildren(...s.starts.map((name, i) => new Option(name, i)));
    $("start").value = state.start;
    $("about").textContent = s.about;
    $("step").max = last();
    state.frame = Math.min(state.frame, last());
    const values = {
      rate: number(s.rates[state.rate]),
      length: number(s.lengths[state.length]),
      momentum: number(data.momenta[state.momentum]),
    };
    for (const [name, text] of Object.entries(values)) {
      $(name).value = state[name];
      $(name).setAttribute("aria-valuetext", text);
      $(`${name}-value`).textContent = text;
    }
    $("warm").checked = state.warm;
    for (const method of data.methods) {
      $(`method-${method.name}`).checked = state.methods.has(method.name);
    }
    ground();
    move();
    if (!state.playing) tell();
  }

  function build() {
    $("surface").replaceChildren(...data.surfaces.map((s, i) => new Option(s.title, i)));
    for (const method of data.methods) {
      const label = document.createElement("label");
      label.className = "method";
      const box = document.createElement("input");
      box.type = "checkbox";
      box.id = `method-${method.name}`;
      const swatch = element(label, "svg", { viewBox: "0 0 60 24", "aria-hidden": "true" });
      const [colour, dash, shape] = LOOKS[method.name];
      const stroke = { d: "M2 12H58", stroke: colour, "stroke-width": 3, "stroke-dasharray": dash };
      element(swatch, "path", stroke);
      const big = "translate(30 12) scale(1.5)";
      element(swatch, "path", { d: shape, fill: colour, transform: big });
      const name = document.createElement("span");
      name.textContent = method.title;
      const output = document.createElement("output");
      output.id = `result-${method.name}`;
      output.setAttribute("aria-live", "off");
      label.prepend(box);
      label.append(name, output);
      $("methods").append(label);
      box.addEventListener("change", () => {
        if (box.checked) state.methods.add(method.name);
        else state.methods.delete(method.name);
        show();
      });
    }
    $("surface").addEventListener("change", (event) => {
      Object.assign(state, { surface: Number(event.target.value), start: 0 });
      again();
    });
    $("start").addEventListener("change", (event) => {
      state.start = Number(event.target.value);
      show();
    });
    for (const name of ["rate", "length", "momentum"]) {
      $(name).addEventListener("input", (event) => {
        state[name] = Number(event.target.value);
        show();
      });
    }
    $("warm").addEventListener("change", (event) => {
      state.warm = event.target.checked;
      show();
    });
    $("step").addEventListener("input", (event) => {
      state.frame = Number(event.target.value);
      state.playing = false;
      move();
      play(false);
    });
    $("speed").addEventListener("change", (event) => {
      state.speed = Number(event.target.value);
    });
    $("play").addEventListener("click", () => play(!state.playing));
    for (const button of document.querySelectorAll(".try")) {
      button.addEventListener("click", () => {
        const wanted = JSON.parse(button.dataset.state);
        Object.assign(state, {
          surface: data.surfaces.findIndex((s) => s.name === wanted.surface),
          start: wanted.start, rate: wanted.rate, length: wanted.length,
          momentum: data.momenta.indexOf(wanted.momentum), warm: wanted.warm_up,
          methods: new Set(wanted.methods),
        });
        again();
        document.querySelector(".playground").scrollIntoView({ block: "start" });
      });
    }
  }

  /** From the start, moving; at once at the end for who wants no motion. */
  function again() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const was = state.playing;
    state.frame = still ? last() : 0;
    state.playing = false;
    show();
    if (!still) {
      state.frame = 0;
      if (was) requestAnimationFrame(() => play(true));
      else play(true);
    }
  }

  build();
  const named = data.surfaces.findIndex((s) => `#${s.name}` === location.hash);
  if (named > 0) state.surface = named;
  again();
})();
