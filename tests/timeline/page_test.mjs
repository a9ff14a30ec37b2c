// Runs the script of rendered timelines in a stub of a browser and checks what a reader would measure on the screen.
//     node page_test.mjs PROGRAM_THAT_PRINTS_SAMPLES
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {test} from 'node:test';
import vm from 'node:vm';

const second = 1e6, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
const width = 1200, height = 700;

const render = sample => execFileSync(process.argv[2], [sample], {encoding: 'utf8', maxBuffer: 1 << 28});

const between = (page, opening, closing) => {
  const start = page.indexOf(opening) + opening.length;
  assert.ok(start >= opening.length, 'no ' + opening);
  return page.slice(start, page.indexOf(closing, start));
};
const programOf = page => between(page, '<script id="program">', '</script>');
const dataOf = page => between(page, '<script type="application/json" id="data">', '</script>');

// --- as much of a browser as the page asks for. A pen notes the boxes it fills; text is 7 pixels a letter.
function makePen() {
  const pen = {boxes: [], words: [], x: 0, y: 0, saved: []};
  Object.assign(pen, {
    measureText: text => ({width: 7 * text.length}),
    fillRect: (x, y, w, h) => pen.boxes.push({x: x + pen.x, y: y + pen.y, w, h, fill: pen.fillStyle}),
    fillText: (text, x, y) => pen.words.push({text, x, y}),
    createPattern: () => 'pattern',
    setTransform: () => [pen.x, pen.y] = [0, 0],
    translate: (x, y) => [pen.x, pen.y] = [pen.x + x, pen.y + y],
    save: () => pen.saved.push([pen.x, pen.y]),
    restore: () => [pen.x, pen.y] = pen.saved.pop(),
  });
  for (const name of ['strokeRect', 'beginPath', 'closePath', 'moveTo', 'lineTo', 'arc', 'rect', 'clip', 'fill',
                      'stroke', 'drawImage']) {
    pen[name] = () => {};
  }
  return pen;
}

class Element {
  constructor(tag) {
    Object.assign(this, {tagName: tag.toUpperCase(), style: {}, children: [], heard: new Map(), attributes: new Map(),
                         dataset: {}, textContent: '', scrollTop: 0, clientWidth: width, clientHeight: height,
                         hidden: false, value: ''});
    const classes = new Set();
    this.classList = {add: name => classes.add(name), remove: name => classes.delete(name)};
    if (tag === 'canvas') this.pen = makePen();
  }
  set innerHTML(_) { throw new Error('the page may not make HTML of texts'); }
  getContext() { return this.pen; }
  getBoundingClientRect() { return {left: 0, top: 0, width, height}; }
  setPointerCapture() {}
  setAttribute(name, value) { this.attributes.set(name, value); }
  append(...more) { this.children.push(...more); }
  replaceChildren(...now) { this.children = now; }
  addEventListener(kind, act) { this.heard.set(kind, act); }
  say(kind, event = {}) {
    this.heard.get(kind)({button: 0, pointerId: 1, deltaX: 0, deltaY: 0, deltaMode: 0, clientX: 0, clientY: 0,
                          target: this, preventDefault() {}, ...event});
  }
  get words() { return [this.textContent, ...this.children.map(child => child.words)].filter(Boolean).join(' '); }
}

function open(page, {dark = false} = {}) {
  const elements = new Map();
  for (const id of ['plot', 'scroller', 'spacer', 'tip', 'range', 'tools', 'legend', 'data']) {
    elements.set(id, new Element(id === 'plot' ? 'canvas' : 'div'));
  }
  elements.get('data').textContent = dataOf(page);
  const frames = [];
  const document = new Element('document');
  Object.assign(document, {getElementById: id => elements.get(id), createElement: tag => new Element(tag),
                           querySelectorAll: () => []});
  const window = new Element('window');
  Object.assign(window, {devicePixelRatio: 1, innerWidth: width, innerHeight: height,
                         matchMedia: () => Object.assign(new Element('media'), {matches: dark}),
                         requestAnimationFrame: act => frames.push(act)});
  const sandbox = vm.createContext({document, window});
  vm.runInContext(programOf(page), sandbox);
  const made = sandbox.haleTimeline;
  const draw = () => {
    elements.get('plot').pen.boxes.length = elements.get('plot').pen.words.length = 0;
    frames.splice(0).forEach(act => act());
  };
  return {...made, page: made.page, elements, document, window, sandbox, draw, plot: elements.get('plot')};
}

const near = (found, wanted, slack, why) =>
    assert.ok(Math.abs(found - wanted) <= slack, `${why ?? 'distance'}: ${found} is not within ${slack} of ${wanted}`);
// Objects of the sandbox have prototypes of their own.
const plain = value => JSON.parse(JSON.stringify(value));

const pages = Object.fromEntries(['demo', 'large', 'hostile', 'empty'].map(name => [name, render(name)]));
const demo = open(pages.demo);
const {geometry} = demo;

const laneOf = (froms, gravities = froms.map(() => 1)) => ({from: froms, gravity: gravities});

test('a page asks nothing of a network', () => {
  for (const [name, page] of Object.entries(pages)) {
    assert.doesNotMatch(page, /https?:\/\/|\bsrc=|<link|@import|url\(/, name);
    assert.match(page, /default-src 'none'/, name);
  }
});

test('pixels and times map onto each other', () => {
  const scale = geometry.scaleOf({from: 2 * hour, to: 5 * hour}, 100, 1000);
  assert.equal(scale.toX(2 * hour), 100);
  assert.equal(scale.toX(5 * hour), 1000);
  near(scale.toX(3.5 * hour), 550, 1e-9);
  for (const x of [100, 333, 517.25, 999]) near(scale.toX(scale.toTime(x)), x, 1e-9);
});

test('zooming keeps the time under the cursor', () => {
  const length = 30 * day;
  let view = {from: 0, to: length};
  const time = 11.37 * day;
  for (let i = 0; i < 120; ++i) {
    const x = geometry.scaleOf(view, 0, 1000).toX(time);
    view = geometry.zoomed(view, 0.8, time, length);
    near(geometry.scaleOf(view, 0, 1000).toX(time), x, 1e-3, 'step ' + i);
  }
  near(view.to - view.from, 1e3, 1, 'no closer than a millisecond');
  for (let i = 0; i < 60; ++i) view = geometry.zoomed(view, 1.6, time, length);
  assert.deepEqual(plain(view), {from: 0, to: length});
});

test('the view stays within the run', () => {
  assert.deepEqual(plain(geometry.panned({from: 10, to: 1e6}, -100, 1e7)), {from: 0, to: 999990});
  assert.deepEqual(plain(geometry.panned({from: 8e6, to: 9e6}, 5e6, 1e7)), {from: 9e6, to: 1e7});
  assert.deepEqual(plain(geometry.clampView({from: -5, to: 1e9}, 1e7)), {from: 0, to: 1e7});
  assert.deepEqual(plain(geometry.zoomed({from: 0, to: 1}, 2, 0, 1)), {from: 0, to: 1});
});

test('ticks are round, in order, and far enough apart at every zoom', () => {
  const length = 400 * day;
  for (let span = 1e3; span <= length; span *= 1.37) {
    const view = {from: length / 3 - span / 3, to: length / 3 + span * 2 / 3};
    const {list} = geometry.ticksOf(view, 1000, 84);
    const scale = geometry.scaleOf(view, 0, 1000);
    assert.ok(list.length >= 2 && list.length <= 13, `${list.length} ticks over ${span}`);
    list.forEach((tick, i) => {
      assert.ok(tick.time >= view.from && tick.time <= view.to);
      assert.match(tick.label, /^(0|[\d.]+ (s|min|h|d))$/);
      if (i > 0) assert.ok(scale.toX(tick.time) - scale.toX(list[i - 1].time) >= 83.9);
    });
  }
});

test('tick labels say what changed, and the context what they leave out', () => {
  const labels = (from, to) => plain(geometry.ticksOf({from, to}, 1000, 84).list.map(tick => tick.label));
  assert.deepEqual(labels(0, 30 * second).slice(0, 3), ['0', '5 s', '10 s']);
  assert.deepEqual(labels(10.9 * hour, 11.6 * hour),
                   ['55 min', '11 h', '5 min', '10 min', '15 min', '20 min', '25 min', '30 min', '35 min']);
  assert.deepEqual(labels(47 * hour, 51 * hour).filter(label => label.endsWith('d')), ['2 d']);
  assert.equal(geometry.ticksOf({from: 51.5 * hour, to: 52 * hour}, 1000, 84).context, '2 d 3 h');
  assert.equal(geometry.ticksOf({from: 0, to: hour}, 1000, 84).context, '');
});

test('moments and lengths are told in units of people', () => {
  assert.equal(geometry.momentText(0), '0 s');
  assert.equal(geometry.momentText(2 * day + 3 * hour + 5 * minute + 7.25 * second), '2 d 3 h 5 min 7.25 s');
  assert.equal(geometry.momentText(59.9999 * second, 2e6), '1 min');
  assert.equal(geometry.momentText(1234567, 10), '1.234567 s');
  assert.equal(geometry.lengthText(250e3), '250 ms');
  assert.equal(geometry.lengthText(59.999 * second), '59.99 s');
  assert.equal(geometry.lengthText(3 * minute + 12 * second), '3 min 12 s');
  assert.equal(geometry.lengthText(2 * day + 3 * hour + 4 * minute), '2 d 3 h');
});

test('spans cover every column once, in order', () => {
  for (let round = 0; round < 200; ++round) {
    let state = round * 7919 + 1;
    const chance = sides => (state = state * 48271 % 2147483647) % sides;
    const froms = [0];
    while (froms.length < 400) froms.push(froms[froms.length - 1] + 1 + chance(round % 2 ? 50 : 5000));
    const lane = laneOf(froms, froms.map(() => chance(12)));
    const length = froms[froms.length - 1] + 100;
    const view = round % 3 ? {from: 0, to: length} : {from: length / 4, to: length / 2};
    const scale = geometry.scaleOf(view, 80, 900);
    const runs = geometry.runsOf(lane, scale, length);
    assert.equal(runs[0].left, 80);
    assert.equal(runs[runs.length - 1].right, 900);
    runs.forEach((run, i) => {
      assert.ok(run.right > run.left);
      if (i > 0) assert.equal(run.left, runs[i - 1].right);
      if (i > 0) assert.ok(run.index > runs[i - 1].index);
    });
    const shown = runs.length + runs.reduce((sum, run) => sum + run.more, 0);
    const within = froms.filter((from, i) => from < view.to && (froms[i + 1] ?? length) > view.from).length;
    near(shown, within, 1, 'every span is shown or counted');
  }
});

test('an outage shorter than a pixel is seen, and told with what it hides', () => {
  const lane = laneOf([0, 500, 501, 502], [1, 9, 4, 1]);
  const runs = geometry.runsOf(lane, geometry.scaleOf({from: 0, to: 1000}, 0, 100), 1000);
  assert.deepEqual(plain(runs.map(run => [run.left, run.right, run.index, run.more])),
                   [[0, 50, 0, 0], [50, 51, 1, 1], [51, 100, 3, 0]]);
});

test('marks that would overlap are one glyph with a count', () => {
  const times = [0, 10, 20, 500, 1000];
  const scale = geometry.scaleOf({from: 0, to: 1000}, 0, 100);
  const groups = geometry.groupsOf({times, list: times.map(at => ({at}))}, scale, 4);
  assert.deepEqual(plain(groups.map(group => [group.x, group.count])), [[0, 3], [50, 1], [100, 1]]);
});

test('faults are bars where they last and triangles where they do not', () => {
  const list = [{at: 0, lasts: 300}, {at: 400, lasts: 1}, {at: 410, lasts: 0}, {at: 900, lasts: 5000}];
  const found = geometry.faultsOf({list}, geometry.scaleOf({from: 100, to: 1000}, 0, 90), 4);
  assert.deepEqual(plain(found.bars.map(bar => [bar.left, bar.right])), [[0, 20], [80, 90]]);
  assert.deepEqual(plain(found.points.map(point => [point.x, point.count])), [[30, 2]]);
});

test('shares of the whole run add up to one', () => {
  const model = demo.model;
  const shares = geometry.sharesOf(model.lanes, demo.looks.length, 300, model.length);
  for (let x = 0; x < 300; ++x) near(shares.reduce((sum, share) => sum + share[x], 0), 1, 1e-6, 'column ' + x);
  const half = geometry.sharesOf([{from: [0, 25, 75], look: [0, 1, 0]}], 2, 10, 100);
  assert.deepEqual(plain([...half[1]].map(share => +share.toFixed(9))), [0, 0, 0.5, 1, 1, 1, 1, 0.5, 0, 0]);
});

test('all lanes have a row, below their service where it has several', () => {
  const rows = demo.page.rows();
  assert.equal(rows[0].kind, 'cluster');
  assert.deepEqual(plain(rows.filter(row => row.kind === 'lane').map(row => row.name)),
                   plain(demo.model.lanes.map(lane => lane.instance)));
  assert.deepEqual(plain(rows.filter(row => row.kind === 'service').map(row => row.name)),
                   ['llama', 'mistral', 'embed']);
  rows.forEach((row, i) => i > 0 && assert.equal(row.top, rows[i - 1].top + rows[i - 1].height));
  for (const row of rows) assert.equal(geometry.rowAt(rows, row.top + row.height / 2), row);
  assert.equal(geometry.rowAt(rows, -1), null);
  assert.equal(geometry.rowAt(rows, 1e6), null);
});

test('what is hit is what was drawn there', () => {
  const {model} = demo;
  const scale = demo.page.scale();
  const shown = Object.keys(demo.kinds);
  let spans = 0, marks = 0, faults = 0;
  for (const row of demo.page.rows().filter(each => each.kind === 'lane')) {
    const lane = model.lanes[row.lane];
    const zones = geometry.zonesOf(row.height);
    for (const run of geometry.runsOf(lane, scale, model.length)) {
      const hit = geometry.hit(model, row, [], scale, (run.left + run.right) / 2, zones.bar.top + 1);
      assert.equal(hit.lane, lane);
      assert.equal(hit.span, run.index);
      ++spans;
    }
    for (const kind of shown.filter(each => each !== 'fault')) {
      for (const group of geometry.groupsOf(lane.marks[kind], scale, model.gap)) {
        if (group.x < scale.x0 || group.x >= scale.x1) continue;
        const hit = geometry.hit(model, row, [kind], scale, group.x, zones.glyph(kind));
        assert.equal(hit.mark, group.mark);
        assert.equal(hit.more, group.count - 1);
        ++marks;
      }
    }
    for (const bar of geometry.faultsOf(lane.marks.fault, scale, model.gap).bars) {
      const hit = geometry.hit(model, row, ['fault'], scale, (bar.left + bar.right) / 2, zones.faults.top + 1);
      assert.equal(hit.mark.kind, 'fault');
      assert.ok(hit.mark.at <= scale.toTime((bar.left + bar.right) / 2));
      ++faults;
    }
  }
  assert.ok(spans > 100 && marks > 50 && faults > 20, `${spans} spans, ${marks} marks, ${faults} faults`);
});

test('of glyphs side by side the nearest is hit, also from above and below', () => {
  const action = {at: 500, kind: 'action'}, exit = {at: 500, kind: 'exit'};
  const none = Object.fromEntries(Object.keys(demo.kinds).map(kind => [kind, {list: [], times: []}]));
  const marks = {...none, action: {list: [action], times: [500]}, exit: {list: [exit], times: [500]}};
  const lane = {...laneOf([0]), marks};
  const model = {lanes: [lane], cluster: {marks: none}, length: 1000, gap: 4};
  const row = {kind: 'lane', lane: 0, top: 0, height: 44};
  const zones = geometry.zonesOf(44);
  const scale = geometry.scaleOf({from: 0, to: 1000}, 0, 100);
  const at = (x, y) => geometry.hit(model, row, ['exit', 'action'], scale, x, y);
  assert.equal(at(52, zones.glyph('action')).mark, action);
  assert.equal(at(52, zones.glyph('exit')).mark, exit);
  assert.equal(at(70, zones.glyph('action')).span, 0);
  assert.equal(at(-1, zones.glyph('action')), null);
  assert.equal(geometry.hit(model, {kind: 'cluster', top: 0, height: 44}, ['exit'], scale, 50, 10), null);
});

test('the wheel zooms at the cursor, dragging pans, a double click shows all again', () => {
  const {page, plot, draw, model} = open(pages.demo);
  const x = 700, y = 300;
  const time = page.scale().toTime(x);
  for (let i = 0; i < 8; ++i) plot.say('wheel', {clientX: x, clientY: y, deltaY: -120});
  assert.ok(page.view().to - page.view().from < model.length / 3);
  near(page.scale().toX(time), x, 1e-6);
  plot.say('pointerdown', {clientX: x, clientY: y});
  plot.say('pointermove', {clientX: x + 150, clientY: y});
  plot.say('pointerup', {clientX: x + 150, clientY: y});
  near(page.scale().toX(time), x + 150, 1e-6);
  draw();
  plot.say('dblclick');
  assert.deepEqual(plain(page.view()), {from: 0, to: model.length});
});

test('keys pan, zoom and reset', () => {
  const {page, document, model} = open(pages.demo);
  const press = key => {
    document.say('keydown', {key});
    return page.view();
  };
  const zoomed = press('+');
  near(zoomed.to - zoomed.from, model.length / 1.5, 1);
  assert.ok(press('ArrowLeft').from < zoomed.from);
  assert.equal(press('Home').from, 0);
  assert.equal(press('End').to, model.length);
  assert.equal(press('-').to, model.length);
  press('+');
  assert.deepEqual(plain(press('0')), {from: 0, to: model.length});
  document.say('keydown', {key: '+', target: {tagName: 'INPUT'}});
  assert.deepEqual(plain(page.view()), {from: 0, to: model.length}, 'what is typed into the filter is not a command');
});

test('the tooltip tells state, cause and reason, and the text of a mark', () => {
  const {page, plot, elements, model, looks} = open(pages.demo);
  const row = page.rows().find(each => each.kind === 'lane' &&
      model.lanes[each.lane].look.includes(looks.findIndex(look => look.name === 'held')));
  const lane = model.lanes[row.lane];
  const span = lane.look.indexOf(looks.findIndex(look => look.name === 'held'));
  const x = (page.scale().toX(lane.from[span]) + page.scale().toX(lane.from[span + 1])) / 2;
  const zones = geometry.zonesOf(row.height);
  plot.say('pointermove', {clientX: x, clientY: page.axisHeight + row.top + zones.bar.top + 2});
  const tip = elements.get('tip');
  assert.equal(tip.hidden, false);
  assert.match(tip.words, /held.*cause: exec_failed.*No such file/);
  plot.say('pointermove', {clientX: page.scale().toX(lane.from[span]),
                           clientY: page.axisHeight + row.top + zones.glyph('alert')});
  assert.match(tip.words, /the command does not exist/);
  plot.say('pointerleave');
  assert.equal(tip.hidden, true);
});

test('marks of a kind can be hidden, and lanes be picked by name', () => {
  const {page, elements, draw, plot} = open(pages.demo);
  const tools = elements.get('tools').children;
  const faults = tools.find(each => each.tagName === 'BUTTON' && each.words.startsWith('faults'));
  assert.equal(faults.attributes.get('aria-pressed'), 'true');
  const drawn = () => {
    draw();
    return plot.pen.boxes.filter(box => box.fill === demo.kinds.fault.light).length;
  };
  plot.say('pointerleave');
  assert.ok(drawn() > 50);
  faults.say('click');
  assert.equal(faults.attributes.get('aria-pressed'), 'false');
  assert.equal(drawn(), 0);
  const filter = tools.find(each => each.tagName === 'INPUT');
  filter.value = 'MISTRAL';
  filter.say('input');
  assert.deepEqual(plain(page.rows().filter(row => row.kind === 'lane').map(row => row.name)),
                   ['mistral-1', 'mistral-2', 'mistral-3']);
  assert.match(elements.get('range').textContent, /3 of 11 instances/);
});

test('a thousand lanes are drawn as cheaply as those that are seen', () => {
  const {page, plot, draw, model, elements} = open(pages.large);
  const spans = model.lanes.reduce((sum, lane) => sum + lane.count, 0);
  assert.equal(model.lanes.length, 1000);
  assert.ok(spans > 100000, `${spans} spans`);
  elements.get('scroller').scrollTop = 15000;
  elements.get('scroller').say('scroll');
  draw();
  assert.ok(plot.pen.boxes.length < 40 * width, `${plot.pen.boxes.length} boxes`);
  const names = plot.pen.words.map(word => word.text).filter(text => text.startsWith('llama-'));
  assert.ok(names.length > 5 && names.length < 40, names.join());
  assert.ok(page.rows().some(row => row.name === names[0] && Math.abs(row.top - 15000) < 60));
});

test('hostile texts are texts', () => {
  const {sandbox, model, page} = open(pages.hostile);
  assert.equal(sandbox.broken, undefined);
  assert.equal(pages.hostile.split('</script>').length, pages.empty.split('</script>').length);
  assert.doesNotMatch(dataOf(pages.hostile), /[<>&\u2028\u2029]/);
  assert.match(model.lanes[0].instance, /^<\/script><script>globalThis\.broken = 1<\/script><!--hale:data-->/);
  assert.ok(model.lanes[0].instance.includes('\u2028'));
  assert.equal(page.rows().length, 2);
});

test('an empty run is an empty picture', () => {
  const {model, page, draw, plot} = open(pages.empty);
  assert.equal(model.lanes.length, 0);
  assert.equal(model.length, 1);
  plot.say('wheel', {clientX: 600, clientY: 200, deltaY: -500});
  plot.say('pointermove', {clientX: 600, clientY: 60});
  draw();
  assert.deepEqual(plain(page.view()), {from: 0, to: 1});
});

test('states filled alike differ in lightness, in both themes', () => {
  const lightness = colour => {
    const [r, g, b] = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16) / 255)
        .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
  };
  for (const theme of ['light', 'dark']) {
    for (const one of demo.looks) {
      for (const other of demo.looks) {
        if (one === other || one.texture !== other.texture) continue;
        const apart = Math.abs(lightness(one[theme]) - lightness(other[theme]));
        assert.ok(apart >= 6, `${one.name} and ${other.name}, ${theme}: ${apart}`);
      }
    }
  }
});

test('each state has a look of its own', () => {
  const states = ['stopped', 'waiting', 'starting', 'stopping', 'cooling', 'held', 'foreign', 'finished'];
  const found = [...states.map(state => demo.lookOf(state, '')), demo.lookOf('serving', ''),
                 demo.lookOf('serving', 'degraded'), demo.lookOf('serving', 'unhealthy')];
  assert.equal(new Set(found).size, 11);
  assert.equal(demo.lookOf('serving', 'dead'), demo.lookOf('serving', 'unhealthy'));
  assert.equal(demo.looks[demo.lookOf('no such state', '')].name, 'other');
});

test('light and dark are both drawn', () => {
  const {plot, looks} = open(pages.demo, {dark: true});
  assert.ok(plot.pen.boxes.some(box => box.fill === looks[0].dark));
  assert.ok(demo.plot.pen.boxes.some(box => box.fill === looks[0].light));
});
