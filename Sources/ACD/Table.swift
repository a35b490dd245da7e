/// Rows of trivial values in one block of memory: no reference counting and no copy-on-write test per access, each of
/// which is bounds-checked.
struct Table<Row: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Row>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 0) {
    self.capacity = max(1, capacity)
    base = .allocate(capacity: self.capacity)
  }

  init(repeating row: Row, count: Int) {
    self.init(capacity: count)
    base.initialize(repeating: row, count: count)
    self.count = count
  }

  init(copying other: borrowing Table) {
    self.init(capacity: other.capacity)
    base.update(from: other.base, count: other.count)
    count = other.count
  }

  deinit { base.deallocate() }

  var indices: Range<Int> { 0..<count }
  /// The rows themselves, for loops that stay inside `0..<count` by construction.
  @inline(__always)
  var unchecked: UnsafeMutablePointer<Row> { base }

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
  subscript(index: Int32) -> Row {
    get { self[Int(index)] }
    nonmutating _modify { yield &self[Int(index)] }
  }

  /// One row, checked once for all that is done to it. It must not be kept while the table may grow.
  @inline(__always)
  func row(_ index: Int) -> RowReference<Row> {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return RowReference(row: base + index)
  }
  @inline(__always)
  func row(_ index: Int32) -> RowReference<Row> { row(Int(index)) }

  mutating func append(_ row: Row) {
    if count == capacity { move(to: max(16, capacity * 2)) }
    base[count] = row
    count += 1
  }

  /// Makes `count` rows of it at least, new ones as `row`.
  mutating func grow(to newCount: Int, with row: Row) {
    guard newCount > count else { return }
    if newCount > capacity { move(to: max(newCount, capacity * 2)) }
    (base + count).initialize(repeating: row, count: newCount - count)
    count = newCount
  }

  private mutating func move(to capacity: Int) {
    let next = UnsafeMutablePointer<Row>.allocate(capacity: capacity)
    next.update(from: base, count: count)
    base.deallocate()
    base = next
    self.capacity = capacity
  }
}

/// A row of a table in its place. What is computed from a row is asked of its `value`.
@dynamicMemberLookup
struct RowReference<Row: BitwiseCopyable> {
  fileprivate let row: UnsafeMutablePointer<Row>

  @inline(__always)
  var value: Row {
    get { row.pointee }
    nonmutating _modify { yield &row.pointee }
  }

  subscript<Value>(dynamicMember field: WritableKeyPath<Row, Value>) -> Value {
    @inline(__always) get { row.pointee[keyPath: field] }
    @inline(__always) nonmutating _modify { yield &row.pointee[keyPath: field] }
  }
}
