'use strict';
// Zooms the pictures of the traffic, and reads them out. Everything is on the page without it.
(() => {
  const UNITS = 1000, HEIGHT = 280, MARKS = 6, TICKS = 8;
  const make = (parent, name, attributes, text) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return parent.appendChild(made);
  };

  // Numbers and times, as the rest of the page has them.
  const scaled = (number, units) => {
    let place = 0;
    while (number >= 999.5 && place < units.length - 1) { number /= 1000; place += 1; }
    return [number, units[place], place];
  };
  const BYTES = [' B', ' kB', ' MB', ' GB', ' TB', ' PB', ' EB'], COUNTS = ['', ' k', ' M', ' G', ' T', ' P', ' E'];
  const human = bytes => {
    const [number, unit, place] = scaled(bytes, BYTES);
    if (place === 0) return `${Number(number.toFixed(1))}${unit}`;
    return `${number.toFixed(number < 9.995 ? 2 : number < 99.95 ? 1 : 0)}${unit}`;
  };
  const whole = number => number.toLocaleString('en-GB');
  const trimmed = (number, decimals) => number.toFixed(decimals).replace(/\.?0+$/, '');
  const mark = (number, units) => {
    const [part, unit] = scaled(number, units);
    return `${trimmed(part, 10)}${unit}/s`;
  };
  // Less than ten have two digits.
  const few = number => trimmed(number, Math.min(7, Math.max(1, 1 - Math.floor(Math.log10(number)))));
  const AMOUNTS = {
    Bytes: { rate: number => `${human(number)}/s`, mark: number => mark(number, BYTES), exact: number => `${whole(number)} bytes` },
    Packets: {
      rate: number => `${number <= 0 ? 0 : number < 9.95 ? few(number) : whole(Math.round(number))} packets/s`,
      mark: number => mark(number, COUNTS), exact: number => `${whole(number)} packets`,
    },
  };
  const iso = micros => {
    const millis = Math.floor(micros / 1000);
    if (Math.abs(millis) > 8.64e15) return String(micros);
    const text = new Date(millis).toISOString().replace('T', ' ').slice(0, -5);
    const fraction = micros - Math.floor(micros / 1e6) * 1e6;
    return fraction ? `${text}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}` : text;
  };

  // Round marks and round times, as in the picture that the page came with.
  const axis = max => {
    max = max || 1;
    for (let unit = 10 ** Math.floor(Math.log10(max / MARKS)); ; unit *= 10) {
      for (const factor of [1, 2, 5]) {
        const step = unit * factor, steps = Math.max(1, Math.ceil(max / step - 1e-9));
        if (steps < MARKS) return { step, steps, top: step * steps };
      }
    }
  };
  const SECOND = 1e6, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const STEPS = [
    ...[1, 10, 100, 1e3, 1e4, 1e5].flatMap(unit => [unit, 2 * unit, 5 * unit]),
    ...[1, 2, 5, 10, 15, 30].map(step => step * SECOND), ...[1, 2, 5, 10, 15, 30].map(step => step * MINUTE),
    ...[1, 2, 3, 6, 12].map(step => step * HOUR), DAY, 2 * DAY, 7 * DAY, 14 * DAY,
  ];
  const NAMES = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
  const times = (first, last) => {
    for (const step of STEPS) {
      const monday = step >= 7 * DAY ? 4 * DAY : 0;
      const begin = Math.ceil((first - monday) / step) * step + monday;
      const fit = Math.floor((last - begin) / step) + 1;
      if (fit <= TICKS) return [Array.from({ length: Math.max(0, fit) }, (_, place) => begin + place * step), step];
    }
    const [low, high] = [first, last].map(micros => new Date(micros / 1000)).map(date => date.getUTCFullYear() * 12 + date.getUTCMonth());
    for (const step of [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000]) {
      const found = [];
      for (let month = Math.ceil(low / step) * step; month <= high; month += step) {
        const date = new Date(0);
        date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
        if (date * 1000 >= first) found.push(date * 1000);
      }
      if (found.length <= TICKS) return [found, step * 30 * DAY];
    }
    return [[], DAY];
  };
  const label = (micros, step) => {
    const text = iso(micros), [year, month, day] = text.split(' ')[0].split('-');
    const short = NAMES[month - 1];
    const date = `${Number(day)} ${short} ${year}`, clock = text.slice(11, 19);
    const fraction = String(micros - Math.floor(micros / 1e6) * 1e6).padStart(6, '0');
    if (step < 1000) return [`${clock}.${fraction}`, date];
    if (step < SECOND) return [`${clock}.${fraction.slice(0, 3)}`, date];
    if (step < MINUTE) return [clock, date];
    if (step < DAY) return [clock.slice(0, 5), date];
    if (step <= 14 * DAY) return [`${Number(day)} ${short}`, year];
    return step < 300 * DAY ? [short, year] : [year, ''];
  };

  // All pictures show the same part of the time, each in whole bins of its own. No part is all of it.
  let shown = null;
  const draws = [];
  document.querySelectorAll('.figure').forEach(figure => {
    const one = name => figure.querySelector(`.${name}`);
    const [plot, areas, marks, ticks, names] = ['plot', 'areas', 'marks', 'ticks', 'names'].map(one);
    const [frame, tools, hint, readout] = ['frame', 'tools', 'hint', 'readout'].map(one);
    const outputs = [...figure.querySelectorAll('.legend .now')];
    const [start, bin, top] = ['start', 'bin', 'top'].map(name => Number(figure.dataset[name]));
    const amount = AMOUNTS[figure.dataset.unit];
    // The highest layer is drawn first, and those below it over it.
    const paths = [...areas.querySelectorAll('path')].reverse();
    const layers = paths.map(path => path.dataset.amounts.split(' ').map(digits => parseInt(digits, 36)));
    const bins = layers[0].length;
    const totals = layers[0].map((_, place) => layers.reduce((sum, amounts) => sum + amounts[place], 0));
    const LEAST = Math.min(bins, 6);
    const drawn = { marks: [...marks.childNodes], ticks: [...ticks.childNodes], paths: paths.map(path => path.getAttribute('d')) };
    const part = { from: 0, count: bins };
    let cursor = null, held = null;
    const line = make(plot, 'line', { class: 'cursor', y1: 0, y2: HEIGHT, display: 'none' });
    const brush = make(plot, 'rect', { class: 'brush', y: 0, height: HEIGHT, display: 'none' });
    const rate = number => number * 1e6 / bin;
    const at = place => start + place * bin;

    const choose = (first, length) => {
      part.count = Math.max(LEAST, Math.min(bins, Math.round(length)));
      part.from = Math.max(0, Math.min(bins - part.count, Math.round(first)));
    };
    const draw = () => {
      if (shown === null) choose(0, bins);
      else {
        const first = Math.floor((shown[0] - start) / bin), end = Math.ceil((shown[1] - start) / bin);
        choose(first, end - first);
      }
      const { from, count } = part, all = count === bins;
      if (cursor !== null && (cursor < from || cursor >= from + count)) cursor = null;
      const max = Math.max(...totals.slice(from, from + count).map(rate));
      const scale = all ? { top } : axis(max);
      areas.setAttribute('viewBox', `0 0 ${count} ${UNITS}`);
      const tops = new Array(count).fill(0);
      paths.forEach((path, place) => {
        let d = `M0 ${UNITS}`;
        for (let step = 0; step < count; step += 1) {
          tops[step] += layers[place][from + step];
          d += `V${(UNITS * (1 - rate(tops[step]) / scale.top)).toFixed(1)}h1`;
        }
        path.setAttribute('d', all ? drawn.paths[place] : `${d}V${UNITS}Z`);
      });
      names.setAttribute('display', all ? 'inline' : 'none');
      if (all) {
        marks.replaceChildren(...drawn.marks);
        ticks.replaceChildren(...drawn.ticks);
      } else {
        marks.replaceChildren();
        for (let step = 0; step <= scale.steps; step += 1) {
          const y = Math.round(HEIGHT * (1 - step / scale.steps));
          make(marks, 'line', { class: 'grid', x1: 0, x2: '100%', y1: y, y2: y });
          make(marks, 'text', { class: 'y', x: -10, y, dy: 4 }, amount.mark(step * scale.step));
        }
        ticks.replaceChildren();
        const [found, step] = times(at(from), at(from + count));
        let before = '';
        found.forEach((micros, place) => {
          const x = `${(micros - at(from)) / (count * bin) * 100}%`, [text, under] = label(micros, step);
          const tick = make(ticks, 'g', { class: (place === found.length - 1 && micros - at(from) > count * bin * .9 ? 'last ' : '') + (under === before && place % 2 ? 'between' : '') });
          make(tick, 'line', { class: 'axis', x1: x, x2: x, y1: HEIGHT, y2: HEIGHT + 6 });
          make(tick, 'text', { class: 'x', x, y: HEIGHT + 22 }, text);
          if (under !== before) make(tick, 'text', { class: 'x under', x, y: HEIGHT + 39 }, under);
          before = under;
        });
      }
      for (const button of tools.querySelectorAll('button')) {
        const does = button.dataset.do;
        button.disabled = does === 'in' ? count <= LEAST : does === 'left' ? from === 0 : does === 'right' ? from + count === bins : all;
      }
      read();
    };
    const show = (first, length) => {
      choose(first, length);
      shown = part.count === bins ? null : [at(part.from), at(part.from + part.count)];
      draws.forEach(draw => draw());
    };
    const read = () => {
      const { from, count } = part, seen = cursor !== null;
      line.setAttribute('display', seen ? 'inline' : 'none');
      outputs.forEach((output, place) => { output.textContent = seen ? amount.rate(rate(layers[place][cursor])) : ''; });
      hint.hidden = seen || count < bins;
      if (!seen) {
        readout.textContent = count === bins ? '' : `Shown: ${iso(at(from))} to ${iso(at(from + count))} UTC`;
        return;
      }
      const x = `${(cursor - from + .5) / count * 100}%`;
      line.setAttribute('x1', x);
      line.setAttribute('x2', x);
      readout.textContent = `${iso(at(cursor))} UTC: ${amount.rate(rate(totals[cursor]))}, ${amount.exact(totals[cursor])}`;
    };
    const point = place => {
      const { from, count } = part;
      cursor = Math.max(0, Math.min(bins - 1, place));
      if (cursor < from) show(cursor, count);
      else if (cursor >= from + count) show(cursor - count + 1, count);
      else read();
    };
    const zoom = factor => {
      const { from, count } = part;
      const centre = cursor === null ? from + count / 2 : cursor + .5;
      show(centre - (centre - from) * factor, count * factor);
    };
    const acts = {
      in: () => zoom(.5), out: () => zoom(2), left: () => show(part.from - part.count / 2, part.count),
      right: () => show(part.from + part.count / 2, part.count), all: () => { cursor = null; show(0, bins); },
    };
    tools.addEventListener('click', event => acts[event.target.dataset.do]?.());
    frame.addEventListener('keydown', event => {
      const { from, count } = part, far = event.shiftKey ? Math.ceil(count / 20) : 1;
      const keys = {
        '+': acts.in, '=': acts.in, '-': acts.out, Escape: acts.all,
        ArrowLeft: () => point((cursor ?? from + count) - far), ArrowRight: () => point((cursor ?? from - 1) + far),
      };
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });

    // Dragging: what is under the brush is what is shown next.
    const place = event => {
      const box = plot.getBoundingClientRect();
      return Math.max(0, Math.min(.999999, (event.clientX - box.left) / box.width));
    };
    const stretch = event => {
      const [low, high] = [held, place(event)].sort((a, b) => a - b);
      brush.setAttribute('x', `${low * 100}%`);
      brush.setAttribute('width', `${(high - low) * 100}%`);
      return [low, high];
    };
    plot.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      held = place(event);
      plot.setPointerCapture(event.pointerId);
      stretch(event);
      brush.setAttribute('display', 'inline');
    });
    plot.addEventListener('pointermove', event => {
      if (held !== null) stretch(event);
      point(part.from + Math.floor(place(event) * part.count));
    });
    plot.addEventListener('pointerup', event => {
      if (held === null) return;
      const [low, high] = stretch(event);
      held = null;
      brush.setAttribute('display', 'none');
      const { from, count } = part;
      if ((high - low) * plot.getBoundingClientRect().width > 5) {
        const first = from + Math.floor(low * count), last = from + Math.ceil(high * count);
        show(first, last - first);
      }
    });
    plot.addEventListener('pointercancel', () => { held = null; brush.setAttribute('display', 'none'); });
    plot.addEventListener('pointerleave', () => { if (held === null) { cursor = null; read(); } });
    plot.addEventListener('dblclick', acts.all);

    // The title would pop up under the pointer; the choice above says the same.
    const title = plot.querySelector('title');
    frame.tabIndex = 0;
    frame.setAttribute('role', 'group');
    frame.setAttribute('aria-label', `${title.textContent}: plus and minus zoom, arrows read single bins, Escape shows all`);
    plot.setAttribute('aria-label', title.textContent);
    plot.setAttribute('aria-describedby', plot.querySelector('desc').id);
    plot.removeAttribute('aria-labelledby');
    title.remove();
    figure.classList.add('live');
    tools.hidden = false;
    draws.push(draw);
    draw();
  });
})();
