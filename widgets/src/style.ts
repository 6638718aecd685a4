/** One style sheet, put once into the document (or the shadow root) a widget stands in. */
import { FRAME_CSS } from "./css/frame.ts";
import { STAGE_CSS } from "./css/stage.ts";
import { THEME_CSS } from "./css/theme.ts";

const ID = "kh-widget-styles";

export function addStyles(near: Node): void {
  const root = near.getRootNode();
  const home = root instanceof ShadowRoot ? root : document.head;
  if (home.querySelector(`#${ID}`)) return;
  const style = document.createElement("style");
  style.id = ID;
  // A page's own rules for figures, captions and tables must not win over the widget's.
  style.textContent = THEME_CSS + (FRAME_CSS + STAGE_CSS).replace(/\.kh(?=[ {])/g, ".kh.kh.kh");
  home.append(style);
}
