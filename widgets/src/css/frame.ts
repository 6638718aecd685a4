export const FRAME_CSS = `
figure.kh{margin:1.5rem 0;padding:0;border:1px solid var(--l);border-radius:10px;background:var(--p)!important;color:var(--i);font:15px/1.5 var(--sans);display:flex;flex-direction:column;overflow:hidden;max-width:100%;text-align:left;scroll-margin-top:5rem;font-variant-numeric:tabular-nums}
.kh *{box-sizing:border-box}
.kh p,.kh ol{margin:0}
.kh figcaption.kh-claim{order:1;padding:13px 16px 0;margin:0;font-weight:650;font-size:1.06rem;line-height:1.35;color:var(--i);text-align:left;letter-spacing:-.005em}
.kh .kh-reason{order:2;padding:4px 16px 10px;color:var(--s);font-size:.94rem;min-height:3.6em}
.kh code{font:max(12px,.86em) var(--mono);background:none;border:0;padding:0;color:var(--i)}
.kh .kh-stage{order:3;background:var(--w);border-top:1px solid var(--l)}
.kh .kh-bar{order:4;display:flex;flex-wrap:wrap;gap:8px;align-items:center;padding:8px 12px;border-top:1px solid var(--l)}
.kh .kh-line{order:5;font:12.5px/1.55 var(--mono);padding:8px 16px;border-top:1px solid var(--l);color:var(--s);overflow-x:auto;white-space:nowrap;min-height:3em}
.kh .kh-line b{color:var(--i);font-weight:600}
.kh .kh-from{color:var(--a);font-family:var(--mono);font-size:12px}
.kh .kh-spoken,.kh .kh-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.kh .kh-foot{order:6;display:flex;flex-wrap:wrap;gap:2px 14px;align-items:center;padding:6px 16px;font-size:13px;color:var(--s);border-top:1px solid var(--l)}
.kh .kh-tag{border:1px solid currentColor;border-radius:99px;padding:0 9px;font-size:12px}
.kh .kh-origin-model{border-style:dashed;color:var(--bad)}
.kh .kh-origin-live{color:var(--ok);font-weight:600}
.kh .kh-loss{color:var(--bad)}
.kh .kh-more{order:7;border-top:1px solid var(--l);padding:0 16px 4px}
.kh button,.kh select{font:13.5px/1 var(--sans);color:var(--i);background:var(--p);border:1px solid var(--l);border-radius:6px;height:32px;min-width:34px;padding:0 8px;cursor:pointer;margin:0}
.kh button:hover,.kh select:hover{border-color:var(--s)}
.kh button.kh-main{background:var(--a);border-color:var(--a);color:var(--o);min-width:70px;font-weight:600}
.kh button.kh-link{border:0;background:none;padding:0;height:auto;min-height:24px;color:var(--s);text-decoration:underline;font-size:13px;margin-left:auto}
.kh :focus-visible{outline:2px solid var(--a);outline-offset:2px}
.kh .kh-scrub{flex:1 1 150px;min-width:110px;position:relative;display:flex;align-items:center}
.kh .kh-scrub input{width:100%;accent-color:var(--a);margin:0;height:28px;position:relative;background:none}
.kh .kh-marks{position:absolute;inset:0 8px;pointer-events:none}
.kh .kh-marks i{position:absolute;pointer-events:auto}
.kh .kh-tick{width:2px;height:6px;bottom:0;background:var(--s)}
.kh .kh-gap{top:2px;bottom:2px;background:repeating-linear-gradient(135deg,var(--bad) 0 2px,transparent 2px 6px);min-width:3px}
.kh .kh-time{font:12px/1.3 var(--mono);color:var(--i);max-width:16em;white-space:normal}
.kh .kh-scale{color:var(--s)}
.kh .kh-chapters{flex-basis:100%;display:flex;flex-wrap:wrap;gap:6px}.kh .kh-chapters button{height:26px;font-size:12.5px;border-radius:99px;padding:0 11px}
.kh .kh-speed select{width:64px;padding:0 4px}
.kh .kh-modes{display:inline-flex;align-items:center}
.kh .kh-modes button{border-radius:0}.kh .kh-modes button:first-child{border-radius:6px 0 0 6px}.kh .kh-modes button+button{border-left:0;border-radius:0 6px 6px 0}
.kh button[aria-pressed=true]{background:var(--i);color:var(--p);border-color:var(--i)}
.kh .kh-unseen{font-size:12px;color:var(--bad);padding-left:8px}
.kh .kh-label{font-size:12px;color:var(--s)}
.kh .kh-strip{display:flex;gap:6px 12px;align-items:center;padding:6px 14px 10px;flex-wrap:wrap}
.kh .kh-dots{display:flex;flex-wrap:wrap;gap:2px;padding:2px;border-radius:6px}
.kh .kh-dot{width:24px;height:24px;display:grid;place-items:center;cursor:pointer;border-radius:6px}
.kh .kh-dot::before{content:"";width:11px;height:11px;border-radius:50%;background:var(--a);border:1.5px solid var(--a)}
.kh .kh-dot.kh-failed::before{width:12px;height:12px;border-radius:1px;transform:rotate(45deg);background:var(--bad);border:2.5px solid var(--i)}
.kh .kh-dot.kh-later::before{background:none;opacity:.75}
.kh .kh-dot[aria-selected=true]{background:var(--p);box-shadow:0 0 0 1.5px var(--i)}
.kh .kh-dense .kh-dot{width:14px;height:18px}.kh .kh-dense .kh-dot::before{width:8px;height:8px}
.kh details{border-top:1px solid var(--l)}.kh details:first-child{border-top:0}
.kh summary{cursor:pointer;font-size:13.5px;padding:7px 0;color:var(--i)}
.kh .kh-scroll{max-height:20rem;overflow:auto;padding-bottom:8px}
.kh .kh-scroll ol{list-style:none;padding:0;margin:0;font:12.5px/1.6 var(--mono);color:var(--s)}
.kh .kh-scroll li{margin:0;white-space:nowrap}.kh .kh-scroll b{color:var(--i);font-weight:600}
.kh table{border-collapse:collapse;font-size:13px;margin:0;width:auto;display:table;white-space:nowrap}
.kh caption{text-align:left;color:var(--s);padding:0 0 4px;font-size:13px;caption-side:top}
.kh th,.kh td{border:0;border-bottom:1px solid var(--l);padding:3px 14px 3px 0;text-align:left;font-weight:400;color:var(--i);background:none}
.kh thead th{font-weight:600}
.kh fieldset{border:0;padding:0 0 10px;margin:0;min-width:0}.kh legend{font-weight:600;font-size:14.5px;padding:2px 0 4px;width:100%;float:none}
.kh fieldset label{display:block;padding:3px 0;cursor:pointer}
.kh .kh-verdict{min-height:1.5em;padding:4px 0}
.kh .kh-empty{padding:40px 16px;color:var(--s)}
form.kh-live{--x:8px}
form.kh-live .kh-why{margin:.15em 0 .6em 1.8em;color:var(--s)}
form.kh-live label.kh-right,form.kh-live label.kh-wrong{font-weight:600}
form.kh-live label.kh-right::before{content:"\\2713  ";color:var(--ok)}
form.kh-live label.kh-wrong::before{content:"\\2715  ";color:var(--bad)}
form.kh-live output{font-weight:600;margin-left:.8em}
form.kh-live~details.kh-answers,form.kh-live details.kh-answers{display:none}
@media (max-width:520px){.kh .kh-bar{gap:6px;padding:8px 10px}.kh .kh-speed select{width:52px}.kh .kh-reason{min-height:5.6em}.kh .kh-scrub{order:8;flex-basis:100%}.kh .kh-time{order:9;flex-basis:100%;max-width:none}.kh .kh-chapters{order:10}.kh .kh-speed{margin-left:auto}}
@media print{figure.kh{break-inside:avoid;overflow:visible}.kh .kh-bar,.kh button.kh-link,.kh .kh-guess{display:none!important}.kh .kh-scroll{max-height:none;overflow:visible}.kh .kh-line{white-space:normal;overflow-wrap:anywhere}.kh table{white-space:normal}}
@media (forced-colors:active){.kh .kh-dot::before{forced-color-adjust:none;background:Highlight;border-color:CanvasText}.kh .kh-dot.kh-later::before{background:none}.kh button.kh-main{border:2px solid ButtonText}}
`;
