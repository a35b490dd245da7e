import CLinux

/// Gives what was freed back to the system. The allocator keeps it where it lies between what is still used, so that
/// after a busy hour the process would stay as large as it was then. Takes a millisecond or a few.
public func returnFreedMemory() { malloc_trim(0) }
