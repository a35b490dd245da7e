/// Rows in memory of their own, bounds-checked. It cannot be copied, so no access counts references
/// or asks whether the storage is shared.
struct Rows<Row>: ~Copyable {
  private var base: UnsafeMutablePointer<Row>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 16) {
    self.capacity = max(1, capacity)
    base = .allocate(capacity: self.capacity)
  }

  init(_ rows: some Collection<Row>) {
    self.init(capacity: rows.count)
    for row in rows { append(row) }
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  /// The rows themselves, for loops that stay inside `0..<count` by construction.
  @inline(__always) var unchecked: UnsafeMutablePointer<Row> { base }
  @inline(__always) var indices: Range<Int> { 0..<count }

  @inline(__always)
  subscript(index: Int) -> Row {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return base[index]
    }
    nonmutating _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      yield &base[index]
    }
  }

  @inline(__always)
  mutating func append(_ row: Row) {
    if count == capacity { grow() }
    (base + count).initialize(to: row)
    count += 1
  }

  @inline(__always)
  mutating func popLast() -> Row? {
    if count == 0 { return nil }
    count -= 1
    return (base + count).move()
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Row>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: base, count: count)
    base.deallocate()
    base = larger
    capacity *= 2
  }
}
