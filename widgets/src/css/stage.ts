export const STAGE_CSS = `
.kh svg{display:block;max-width:100%;height:auto;margin:0 auto;overflow:visible}
.kh svg text{font:13px var(--sans);fill:var(--i)}
.kh svg .kh-name{font-weight:650}
.kh svg .kh-sub{font:12px var(--mono);fill:var(--s)}
.kh svg .kh-label,.kh svg .kh-tiny,.kh svg .kh-note{font-size:12px;fill:var(--s)}
.kh svg .kh-note{font-style:italic}
.kh-box{fill:var(--p);stroke:var(--l);stroke-width:1.5}
.kh-box.kh-object{stroke:var(--s);stroke-width:1.2}
.kh-box.kh-faint{fill:none}
.kh-box.kh-is-not-ready{stroke:var(--s);stroke-dasharray:6 4}
.kh-box.kh-is-terminating{stroke:var(--bad);stroke-dasharray:.1 5;stroke-width:3;stroke-linecap:round}
.kh-box.kh-is-failed{stroke:var(--i);stroke-width:2.5}
.kh-box.kh-on{stroke:var(--a);stroke-width:2.5}
.kh-box.kh-now{fill:color-mix(in srgb,var(--a) 14%,var(--p));stroke-width:3.5}
.kh-inner{fill:var(--w);stroke:var(--l);stroke-width:1.2}
.kh-inner.kh-on{stroke:var(--a);stroke-width:2.5;fill:color-mix(in srgb,var(--a) 14%,var(--p))}
.kh-dim text{opacity:.82}.kh-dim .kh-box{stroke-opacity:.7}
.kh-wire{fill:none;stroke:var(--l);stroke-width:2.5}
.kh-wire.kh-thin{stroke-width:1.5}
.kh-wire.kh-dashed{stroke-dasharray:5 5}
.kh-wire.kh-on{stroke:var(--a);stroke-width:3}
.kh-wire.kh-refused{stroke:var(--bad);stroke-dasharray:7 5}
.kh-control{fill:none;stroke:var(--s);stroke-width:1.8;stroke-dasharray:.1 5;stroke-linecap:round}
.kh-icon{fill:none;stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round;stroke:var(--s)}
.kh-icon.kh-is-ready{stroke:var(--ok)}
.kh-icon.kh-is-not-ready{stroke-width:4.4}
.kh-icon.kh-is-terminating{stroke:var(--bad)}
.kh-icon.kh-is-failed{stroke:var(--i)}
.kh-mark{fill:var(--a);stroke:var(--p);stroke-width:2}
.kh-mark.kh-failed{fill:var(--bad);stroke:var(--i);stroke-width:2.5}
.kh-barrier circle{fill:var(--p);stroke:var(--bad);stroke-width:2.5}
.kh-barrier path{stroke:var(--i);stroke-width:2.5;stroke-linecap:round}
.kh svg .kh-answer{font:700 13px var(--mono);fill:var(--i);paint-order:stroke;stroke:var(--w);stroke-width:5px;stroke-linejoin:round}
.kh-lane{stroke:var(--l);stroke-width:1}
.kh-order{fill:none;stroke:var(--a);stroke-width:1.2;opacity:.55}
.kh-pick{cursor:pointer;stroke-width:1}
.kh-mark.kh-chosen{stroke:var(--i);stroke-width:2.5}
.kh-count{fill:var(--a)}.kh-count.kh-outside{fill:var(--bad)}
.kh-band{stroke:var(--i);stroke-width:1.8;fill:none}
.kh-rule{stroke:var(--l);stroke-width:1}
.kh svg .kh-strong{fill:var(--i);font-weight:600}
.kh svg .kh-big{font:700 19px var(--mono)}
.kh svg .kh-mid{font:650 14px var(--mono)}
.kh svg .kh-small{font-size:12px;fill:var(--s)}
.kh svg .kh-halo{font-size:12px;fill:var(--i);paint-order:stroke;stroke:var(--w);stroke-width:4px}
.kh svg .kh-differs{fill:var(--bad)}
.kh-target{stroke:var(--i);stroke-width:1.5;stroke-dasharray:5 4;fill:none}
.kh-hollow{fill:none;stroke:var(--s);stroke-width:1.5;stroke-dasharray:4 3}
.kh-load{fill:color-mix(in srgb,var(--s) 13%,transparent)}
.kh-track{fill:none;stroke:var(--s);stroke-width:2}
.kh-strong-track{stroke:var(--a);stroke-width:2.5}
.kh-bound{stroke:var(--s);stroke-width:1.5;stroke-dasharray:1.5 4;fill:none}
.kh-future{opacity:.32}
.kh-ghost{fill:none;stroke:var(--bad);stroke-width:1.8}
.kh-rest{fill:color-mix(in srgb,var(--s) 26%,var(--w))}
.kh-done{fill:var(--a)}
.kh-cursor{stroke:var(--i);stroke-width:1.5;fill:none}
@media (forced-colors:active){.kh-box,.kh-inner{fill:Canvas;stroke:CanvasText}.kh-box.kh-on,.kh-wire.kh-on{stroke:Highlight}.kh-mark,.kh-done{fill:Highlight}.kh svg text{fill:CanvasText}}
`;
