/// Rows of trivial values in one block of memory: no reference counting and no copy-on-write test per access.
///
/// Copies share their block until `detach()`; `State` detaches all of its tables at once before the first change to a
/// copy, so the engine stays a value. Every access is bounds-checked.
struct Table<Row: BitwiseCopyable & Sendable>: @unchecked Sendable {
  // Unchecked because of the pointer alone: a block is written only through a state that owns it uniquely.
  private final class Block {
    let base: UnsafeMutablePointer<Row>
    init(capacity: Int) { base = .allocate(capacity: max(capacity, 1)) }
    deinit { base.deallocate() }
  }
  private var block: Block
  private var base: UnsafeMutablePointer<Row>
  private(set) var count: Int
  private var capacity: Int

  init() { self.init(repeating: nil, count: 0) }
  init(repeating row: Row, count: Int) { self.init(repeating: Optional(row), count: count) }
  private init(repeating row: Row?, count: Int) {
    block = Block(capacity: count)
    base = block.base
    capacity = count
    self.count = count
    if let row { base.initialize(repeating: row, count: count) }
  }

  var indices: Range<Int> { 0..<count }

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

  /// Takes a block of its own.
  mutating func detach() { move(to: capacity) }

  private mutating func move(to capacity: Int) {
    let next = Block(capacity: capacity)
    next.base.update(from: base, count: count)
    block = next
    base = next.base
    self.capacity = capacity
  }
}
