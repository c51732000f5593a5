// The time of records. `Date.now()` counts whole milliseconds, in which several processes can say
// much; `performance` counts finer, and knows nothing of a clock that was set. Both together do.

let origin = performance.timeOrigin;

/** Milliseconds since 1970, as the system's clock has them, with a fraction. */
export function preciseNow(): number {
  const whole = Date.now();
  const fine = origin + performance.now();
  if (fine >= whole && fine < whole + 1) return fine;
  const drift = fine < whole ? whole - fine : whole + 1 - fine;
  origin += drift;
  return fine + drift;
}
