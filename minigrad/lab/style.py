"""The report's style sheet: cards on a phone, a table and two columns on a wide screen."""

CSS = """
:root { color-scheme: light; --ink: #1d2329; --soft: #56606b; --line: #d9dee3; --paper: #fff;
        --wash: #f5f7f9; --link: #00558c;
        --holds: #00614a; --limit: #7a4d00; --refuted: #9c3f00; --undecided: #4a5560;
        --holds-wash: #e5f5f0; --limit-wash: #fdf3dc; --refuted-wash: #fdebe0;
        --undecided-wash: #eef1f4; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; color: var(--ink); background: var(--wash); overflow-wrap: break-word;
       font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
             "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.6rem; }
main { padding-bottom: 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: .3rem 0 .4rem; text-wrap: balance; }
h2 { font-size: 1.12rem; line-height: 1.3; margin: 1.9rem 0 .4rem; }
section > h2:first-child, .text:first-child > h2:first-child { margin-top: 0; }
p { margin: .45rem 0; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid #e69f00; outline-offset: 2px; border-radius: .2rem; }
.soft { color: var(--soft); font-size: .9rem; }
.lead { font-size: 1.08rem; }
.row { color: var(--soft); font-weight: 600; font-variant-numeric: tabular-nums; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem;
          padding: 1.3rem; margin: 1.2rem 0; }
.text { max-width: 46rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden;
          clip-path: inset(50%); white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem .4rem 0;
         border-bottom: 1px solid var(--line); }
tbody th { font-weight: 500; }
thead th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
                       white-space: nowrap; }

/* verdicts */
.verdict { display: inline-block; white-space: nowrap; border-radius: 1rem; padding: .05rem .7rem;
           font-weight: 600; font-size: .9rem; border: 1.5px solid currentColor; }
.holds { color: var(--holds); background: var(--holds-wash); }
.limit { color: var(--limit); background: var(--limit-wash); }
.refuted { color: var(--refuted); background: var(--refuted-wash); }
.undecided { color: var(--undecided); background: var(--undecided-wash); }
.undecided, .none { border-style: dashed; }
.none { color: var(--soft); background: var(--paper); font-weight: 500; }
.summary { margin-top: 1rem; line-height: 2; }
.strip { display: flex; flex-wrap: wrap; gap: .25rem; margin: .3rem 0 0; }
.strip a { min-width: 1.95rem; padding: .2rem 0; text-align: center; text-decoration: none;
           font-size: .85rem; font-weight: 600; font-variant-numeric: tabular-nums;
           border: 1px solid currentColor; border-radius: .3rem; }
.strip a:hover { text-decoration: underline; }
.cards { display: grid; gap: .8rem; margin: 1.2rem 0 0;
         grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.card { display: block; padding: .7rem 1rem; background: var(--paper); text-decoration: none;
        border: 1px solid var(--line); border-left: 4px solid var(--link); border-radius: .5rem; }
.card:hover strong { text-decoration: underline; }
.card span { display: block; color: var(--soft); font-size: .9rem; }

/* the front page's table */
.front td, .front th { padding: .9rem 1rem .9rem 0; }
.front thead th { padding-top: 0; padding-bottom: .3rem; }
.front .lecture th { font-size: 1.12rem; font-weight: 700; padding: 1.9rem 0 .4rem;
                     border-bottom: 2px solid var(--ink); }
.front tbody:first-of-type .lecture th { padding-top: .8rem; }
.front th a { font-weight: 650; font-size: 1.02rem; }
.front th p { font-weight: 400; margin-top: .2rem; max-width: 34rem; }
.front .picture { width: clamp(8rem, 19vw, 14rem); }
.front .picture img { display: block; width: 200px; max-width: 100%; height: auto;
                      max-height: 10rem; object-fit: contain; background: #fff; }
.front .result { width: clamp(10rem, 21vw, 15rem); }
.key { font-variant-numeric: tabular-nums; }

/* the page of an experiment */
.crumbs { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; align-items: baseline; }
.claim { margin: 0; padding: .1rem 0 .1rem 1rem; border-left: 4px solid var(--line);
         font-size: 1.12rem; }
.outcome { margin: 1rem 0; padding: .4rem 1rem; border-radius: .5rem;
           border-left: 4px solid currentColor; }
.outcome .verdict { background: var(--paper); margin-right: .5rem; }
.outcome .key { color: var(--ink); }
.figures { display: grid; gap: 1.6rem 1.4rem; margin-top: .6rem; align-items: start;
           grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figure svg { display: block; width: 100%; max-width: 36rem; height: auto; background: #fff; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 36rem; margin-top: .3rem; }
.error { color: var(--refuted); }
.place { margin: 1rem 0 .3rem; }
pre { overflow-x: auto; background: var(--wash); border: 1px solid var(--line); margin: .3rem 0;
      border-radius: .4rem; padding: .8rem; font-size: .82rem; line-height: 1.45; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
       overflow-wrap: anywhere; }
pre code { overflow-wrap: normal; }
pre .k { color: #00558c; } pre .d { font-weight: 700; } pre .s { color: #00614a; }
pre .c { color: #66707a; font-style: italic; } pre .n { color: #8a3a00; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: .5rem 0; }
dd { margin: 0; }
details { margin: .7rem 0; }
summary { cursor: pointer; color: var(--link); }
.neighbours { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.neighbours a { padding: .6rem 1rem; background: var(--paper); border: 1px solid var(--line);
                border-radius: .5rem; text-decoration: none; }
.neighbours a:last-child { text-align: right; }
.neighbours a:hover { text-decoration: underline; }
.neighbours small { display: block; color: var(--soft); }

@media (max-width: 46rem) {
  body { font-size: .98rem; }
  h1 { font-size: 1.5rem; }
  section { padding: 1rem; border-radius: 0; margin: 1rem -1rem; border-width: 1px 0; }
  figure svg { width: calc(100% + 1.6rem); max-width: none; margin: 0 -.8rem; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; }
  .front, .front tbody { display: block; }
  .front thead { display: none; }
  .front tr { display: flow-root; border-bottom: 1px solid var(--line); padding: .9rem 0; }
  .front tr.lecture { display: block; border: 0; padding: 0; }
  .front tr.lecture th { display: block; }
  .front td, .front tr:not(.lecture) th { border: 0; padding: 0; width: auto; }
  .front td.row { float: left; width: 2rem; }
  .front tr:not(.lecture) th { display: block; }
  .front .picture { float: right; width: 7.6rem; margin: .2rem 0 .3rem .7rem; }
  .front td.result { display: block; width: auto; margin-top: .4rem; }
  .front .result .key { display: inline; margin-left: .4rem; }
  .numbers tr { display: grid; grid-template-columns: 1fr 1fr 1.8fr .6fr; gap: 0 .4rem;
                border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .numbers th, .numbers td { border: 0; padding: 0; }
  .numbers tr > :first-child { grid-column: 1 / -1; }
  .numbers td.number, .numbers th.number { text-align: left; white-space: normal; }
  .front .result .key { display: inline; margin-left: .5rem; }
}
@media print {
  body { background: #fff; font-size: 10pt; }
  section { border: 0; padding: 0; } .cards, .crumbs, .neighbours { display: none; }
  tr, figure, pre { break-inside: avoid; } h2 { break-after: avoid; }
  .scroll, pre { overflow: visible; } pre { white-space: pre-wrap; }
}
"""
