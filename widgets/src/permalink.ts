/** `#kh-<trace>@<milliseconds>` with `,r<request>` where the reader chose one. */
import type { Moment } from "./widget.ts";

export function permalink(trace: string, { t, focus }: Moment): string {
  const time = String(Math.round(t * 1000) / 1000);
  return `#kh-${trace}@${time}${focus === null ? "" : `,r${focus}`}`;
}

export function readPermalink(trace: string, hash: string): Moment | null {
  const found = /^#kh-(.+)@(\d+(?:\.\d+)?)(?:,r(\d+))?$/.exec(decoded(hash));
  if (!found || found[1] !== trace) return null;
  return { t: Number(found[2]), focus: found[3] === undefined ? null : Number(found[3]) };
}

/** An address may carry anything after its `#`; what cannot be decoded is not ours. */
function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return "";
  }
}
