/// The sine of an angle in turns. Our own, so that the same music is made on every machine.
func sine(turns: Double) -> Double {
  var x = turns - turns.rounded(.down)
  // Folded into a quarter turn either side of zero, where the series is short.
  if x > 0.75 { x -= 1 } else if x > 0.25 { x = 0.5 - x }
  let r = x * 2 * Double.pi
  let s = r * r
  return r * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156))))))
}
