/// The candidate that a person most likely meant by `word`, if one is near enough to be worth saying.
func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
  guard word.utf8.count <= 64 else { return nil }
  let allowed = word.count < 4 ? 1 : word.count < 9 ? 2 : 3
  var best: (distance: Int, candidate: String)?
  for candidate in candidates where candidate != word {
    let distance = editDistance(Array(word.lowercased()), Array(candidate.lowercased()))
    if distance <= allowed, distance < best?.distance ?? .max { best = (distance, candidate) }
  }
  return best?.candidate
}

/// ` (did you mean …?)`, or nothing.
func suggestion(for word: String, among candidates: some Sequence<String>) -> String {
  nearest(to: word, among: candidates).map { " (did you mean `\($0)`?)" } ?? ""
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
  for i in 0...a.count { rows[i][0] = i }
  for j in 0...b.count { rows[0][j] = j }
  guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
  for i in 1...a.count {
    for j in 1...b.count {
      let substituted = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
      rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, substituted)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
      }
    }
  }
  return rows[a.count][b.count]
}
