"""The report's style sheet: one column on a phone, two for figures on a wide screen."""

CSS = """
:root { color-scheme: light; --ink: #1d2329; --soft: #56606b; --line: #d9dee3; --paper: #fff;
        --wash: #f5f7f9; --link: #00558c; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--ink); background: var(--wash);
       font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 0; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .4rem 0; }
a { color: var(--link); }
.soft { color: var(--soft); font-size: .9rem; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem;
          padding: 1.2rem; margin: 1.2rem 0; }
.text { max-width: 46rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem .4rem 0;
         border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
                       white-space: nowrap; }
.verdict { display: inline-block; white-space: nowrap; border-radius: 1rem; padding: .05rem .7rem;
           font-weight: 600; font-size: .9rem; border: 1.5px solid currentColor; }
.holds { color: #00614a; background: #e5f5f0; }
.limit { color: #7a4d00; background: #fdf3dc; }
.refuted { color: #9c3f00; background: #fdebe0; }
.undecided { color: #4a5560; background: #eef1f4; border-style: dashed; }
.figures { display: grid; gap: 1.2rem; margin-top: .6rem;
           grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; }
figure svg { display: block; width: 100%; max-width: 36rem; height: auto; background: #fff; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 36rem; }
pre { overflow-x: auto; background: var(--wash); border: 1px solid var(--line);
      border-radius: .4rem; padding: .8rem; font-size: .82rem; line-height: 1.45; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); font-weight: 600; }
dd { margin: 0; }
summary { cursor: pointer; color: var(--link); }
footer { padding-bottom: 3rem; }
@media (max-width: 40rem) {
  body { font-size: .97rem; }
  section { padding: .9rem; border-radius: 0; margin: 1rem -1rem; border-width: 1px 0; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; }
  .front thead { display: none; }
  .front, .front tbody, .front tr, .front th, .front td { display: block; border: 0;
    padding: .1rem 0; }
  .front tr { border-bottom: 1px solid var(--line); padding: .7rem 0; }
}
@media print { section { break-inside: avoid-page; } body { background: #fff; } }
"""
