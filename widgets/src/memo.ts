import type { TraceIndex } from "./index.ts";

/** Work done once for each state of a growing trace. */
export function memo<T>(work: (index: TraceIndex) => T): (index: TraceIndex) => T {
  const done = new WeakMap<TraceIndex, { revision: number; value: T }>();
  return (index) => {
    const known = done.get(index);
    if (known?.revision === index.revision) return known.value;
    const value = work(index);
    done.set(index, { revision: index.revision, value });
    return value;
  };
}
