import Primitives

/// Where an agent stands among the free ones of a queue; the agent's index decides between equal keys.
struct ReadyKey: Equatable {
  /// How many contacts the agent holds, then what the policy counts; see `major(band:_:)`.
  var major: UInt64 = 0
  /// A place in an order, or since when the agent has been as free as now.
  var minor: Int64 = 0

  /// A band (the load) above 48 bits of the policy's own.
  static func major(band: UInt8, _ score: UInt64 = 0) -> UInt64 { UInt64(band) << 48 | min(score, 1 << 48 - 1) }
  var band: UInt64 { major >> 48 }

  @inline(__always)
  static func < (a: ReadyKey, b: ReadyKey) -> Bool {
    a.major != b.major ? a.major < b.major : a.minor < b.minor
  }
}

/// A membership's links in the ready list of one kind, with the key of that list beside them.
struct ReadyLink {
  var previous: Int32 = -1
  var next: Int32 = -1
  var parent: Int32 = -1
  var left: Int32 = -1
  var right: Int32 = -1
  var agent: Int32 = -1
  var key = ReadyKey()

  @inline(__always)
  func isBefore(_ other: ReadyLink) -> Bool {
    key.major != other.key.major
      ? key.major < other.key.major
      : key.minor != other.key.minor ? key.minor < other.key.minor : agent < other.agent
  }
}

/// The agents of a queue who could take a contact of one kind, in the order of the policy's keys: a list, and over the
/// same links a search tree (a treap whose heap order is a hash of the link), so that an agent finds any place in
/// logarithmic time.
///
/// Who becomes free last usually stands last. Such links are left out of the tree until an agent's place among them is
/// searched for, so where the order is that of idle time there is hardly ever a tree.
struct ReadyList {
  var head: Int32 = -1
  var tail: Int32 = -1
  var root: Int32 = -1
  /// The first link outside the tree; all after it are outside, too.
  var loose: Int32 = -1

  /// The parent of a link outside the tree.
  static let outside: Int32 = -2

  @inline(__always)
  static func index(queue: Int32, kind: Int) -> Int { Int(queue) &* 2 &+ kind }

  @inline(__always)
  static func height(_ link: Int32) -> UInt32 {
    var x = UInt32(bitPattern: link) &* 0x9E37_79B1
    x ^= x >> 16
    return x &* 0x85EB_CA6B
  }
}

extension State {
  /// - Parameter isSearched: whether `firstLink` is to find places in the list.
  @inline(__always)
  func enlist(_ link: Int32, key: ReadyKey, in list: Int, isSearched: Bool) {
    let list = ready.row(list)
    let new = readyLinks.row(link)
    new.key = key
    let tail = list.tail
    guard tail < 0 || readyLinks[tail].isBefore(new.value) else { return hang(link, in: list) }
    new.previous = tail
    new.next = -1
    new.parent = ReadyList.outside
    if tail >= 0 { readyLinks[tail].next = link } else { list.head = link }
    list.tail = link
    if list.loose < 0 { list.loose = link }
    if isSearched { plant(list) }
  }

  /// Brings all links into the tree: each is the last one so far.
  private func plant(_ list: RowReference<ReadyList>) {
    var link = list.loose
    list.loose = -1
    while link >= 0 {
      let row = readyLinks.row(link)
      let last = row.previous
      row.left = -1
      row.right = -1
      row.parent = last
      if last >= 0 { readyLinks[last].right = link } else { list.root = link }
      raise(link, in: list)
      link = row.next
    }
  }

  private func raise(_ link: Int32, in list: RowReference<ReadyList>) {
    while true {
      let parent = readyLinks[link].parent
      if parent < 0 || ReadyList.height(parent) >= ReadyList.height(link) { return }
      rotateUp(link, in: list)
    }
  }

  /// Makes a leaf at the place of the key, which is not the last one.
  private func hang(_ link: Int32, in list: RowReference<ReadyList>) {
    plant(list)
    let new = readyLinks.row(link)
    new.previous = -1
    new.next = -1
    new.left = -1
    new.right = -1
    var node = list.root
    while true {
      new.parent = node
      let isBefore = new.value.isBefore(readyLinks[node])
      if isBefore { new.next = node } else { new.previous = node }
      let child = isBefore ? readyLinks[node].left : readyLinks[node].right
      if child >= 0 {
        node = child
        continue
      }
      if isBefore { readyLinks[node].left = link } else { readyLinks[node].right = link }
      break
    }
    if new.previous >= 0 { readyLinks[new.previous].next = link } else { list.head = link }
    if new.next >= 0 { readyLinks[new.next].previous = link } else { list.tail = link }
    raise(link, in: list)
  }

  @inline(__always)
  func delist(_ link: Int32, in list: Int) {
    let list = ready.row(list)
    let row = readyLinks.row(link)
    let (previous, next) = (row.previous, row.next)
    if previous >= 0 { readyLinks[previous].next = next } else { list.head = next }
    if next >= 0 { readyLinks[next].previous = previous } else { list.tail = previous }
    if row.parent == ReadyList.outside {
      if list.loose == link { list.loose = next }
    } else {
      uproot(link, in: list)
    }
  }

  /// Takes a link out of the tree.
  private func uproot(_ link: Int32, in list: RowReference<ReadyList>) {
    let row = readyLinks.row(link)
    // Down to where it has one child at most, then out.
    while true {
      let (left, right) = (row.left, row.right)
      if left < 0 || right < 0 {
        let child = left < 0 ? right : left
        if child >= 0 { readyLinks[child].parent = row.parent }
        replace(link, under: row.parent, by: child, in: list)
        return
      }
      rotateUp(ReadyList.height(left) > ReadyList.height(right) ? left : right, in: list)
    }
  }

  private func rotateUp(_ link: Int32, in list: RowReference<ReadyList>) {
    let parent = readyLinks[link].parent
    let above = readyLinks[parent].parent
    let inner: Int32
    if readyLinks[parent].left == link {
      inner = readyLinks[link].right
      readyLinks[parent].left = inner
      readyLinks[link].right = parent
    } else {
      inner = readyLinks[link].left
      readyLinks[parent].right = inner
      readyLinks[link].left = parent
    }
    if inner >= 0 { readyLinks[inner].parent = parent }
    readyLinks[parent].parent = link
    readyLinks[link].parent = above
    replace(parent, under: above, by: link, in: list)
  }

  private func replace(_ link: Int32, under parent: Int32, by other: Int32, in list: RowReference<ReadyList>) {
    if parent < 0 {
      list.root = other
    } else if readyLinks[parent].left == link {
      readyLinks[parent].left = other
    } else {
      readyLinks[parent].right = other
    }
  }

  /// The first link whose key is not before `key`.
  func firstLink(notBefore key: ReadyKey, in list: Int) -> Int32 {
    var node = ready[list].root
    var found: Int32 = -1
    while node >= 0 {
      if readyLinks[node].key < key {
        node = readyLinks[node].right
      } else {
        found = node
        node = readyLinks[node].left
      }
    }
    return found
  }
}
