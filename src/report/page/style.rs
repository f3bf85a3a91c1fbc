//! How a page looks: in the light and in the dark, on a screen and on paper.

/// The style of a page. Colours tell verdicts apart by lightness too, for those who see no red or no green.
pub(super) const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1f2328;--dim:#59636e;--line:#d1d9e0;--back:#fff;--shade:#f6f8fa;--warn:#9a6700;
--good:#2da44e;--way:#bf8700;--off:#8c959f;--bad:#cf222e;--worse:#a40e26;--other:#8250df;--plus:#dafbe1;--minus:#ffebe9;--swap:#fff8c5}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;--back:#0d1117;--shade:#151b23;--warn:#d29922;
--good:#3fb950;--way:#d29922;--off:#656c76;--bad:#f85149;--worse:#ff7b72;--other:#ab7df8;--plus:#12261e;--minus:#25171c;--swap:#272115}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.5rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back)}
h1{font-size:1.4rem}
code,pre{font:13px/1.45 ui-monospace,monospace}
code{background:var(--shade);padding:.1em .3em;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--shade);padding:.6rem 0;border-radius:6px;overflow-x:auto}
pre span{display:block;padding:0 .8rem;white-space:pre}
pre .plus{background:var(--plus)}pre .minus{background:var(--minus)}pre .swap{background:var(--swap)}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}
th,td{border:1px solid var(--line);padding:.25rem .6rem;text-align:left}
.n{text-align:right;font-variant-numeric:tabular-nums}
details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}
.warning{border-left:4px solid var(--warn);padding:.2rem 1rem;margin:1rem 0;background:var(--shade)}
figure{margin:1.2rem 0}figcaption{font-weight:600}
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
.key{margin:.3rem 0;color:var(--dim);font-size:.85rem}.key span{margin-right:1rem;white-space:nowrap}
.key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.3em}
.compliant{fill:var(--good);background:var(--good)}
.pending,.in-progress,.held,.due,.change{fill:var(--way);background:var(--way)}
.unknown,.unreachable,.adopt,.outside-window{fill:var(--off);background:var(--off)}
.rejected,.failed,.prune{fill:var(--worse);background:var(--worse)}
.drifted{fill:var(--bad);background:var(--bad)}
.edited,.contested,.register{fill:var(--other);background:var(--other)}
footer{margin-top:2rem;color:var(--dim);font-size:.85rem}
@media print{details>*{display:block}}
";
