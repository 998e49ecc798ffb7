// Bisection: the place in something sorted, in as many looks as its length has bits.

/** The least of the places 0 to `count` − 1 for which `isPast` holds, where it holds for all behind one for which it does; `count`: for none. */
export function firstPlace(count: number, isPast: (place: number) => boolean): number {
  let [least, most] = [0, count];
  while (least < most) {
    const middle = (least + most) >> 1;
    if (isPast(middle)) most = middle;
    else least = middle + 1;
  }
  return least;
}
