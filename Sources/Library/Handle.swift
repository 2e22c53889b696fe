// SPDX-License-Identifier: Apache-2.0

import CResNetLibrary
import CResNetPlatform
import ResNetPlatform
import Synchronization

/// What C has handles of.
protocol HandleContent: ~Copyable {
  static var name: StaticString { get }
  /// What tells its handles from other memory, and 1 more while a thread uses one alone.
  static var tag: UInt64 { get }
}

/// What a handle of C points to.
///
/// - **Allocates:** itself, by malloc.
struct Handle<Content: HandleContent & ~Copyable>: ~Copyable {
  /// The tag, or 0 once the handle is closed: atomic, so that the last store is not left out before free.
  private let state = Atomic<UInt64>(Content.tag)
  var content: Content

  private init(_ content: consuming Content) { self.content = content }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Makes a handle.
  static func make(_ content: consuming Content) throws(Failure) -> OpaquePointer {
    let size = MemoryLayout<Handle>.size
    guard let memory = malloc(size) else {
      throw Failure(RESNET_ERROR_MEMORY, "out of memory: \(Content.name) needs \(size) bytes")
    }
    let handle = memory.bindMemory(to: Handle.self, capacity: 1)
    handle.initialize(to: Handle(content))
    return OpaquePointer(handle)
  }

  /// The open handle that C has, for reading by any number of threads.
  static func find(_ handle: OpaquePointer?) throws(Failure) -> UnsafeMutablePointer<Handle> {
    let found = UnsafeMutablePointer<Handle>(try require(handle, Content.name))
    guard found.pointee.state.load(ordering: .acquiring) == Content.tag else {
      throw .closed(Content.name)
    }
    return found
  }

  /// Calls `body` with what an open handle has, while no other thread may use it.
  static func use(
    _ handle: OpaquePointer?, _ body: (inout Content) throws(Failure) -> Void
  ) throws(Failure) {
    let found = try take(handle)
    defer { found.pointee.state.store(Content.tag, ordering: .releasing) }
    try body(&found.pointee.content)
  }

  /// Destroys a handle and what it has.
  static func close(_ handle: OpaquePointer?) throws(Failure) {
    guard handle != nil else { return }
    let found = try take(handle)
    found.pointee.state.store(0, ordering: .releasing)
    found.deinitialize(count: 1)
    free(found)
  }

  private static func take(_ handle: OpaquePointer?) throws(Failure) -> UnsafeMutablePointer<Handle>
  {
    let found = UnsafeMutablePointer<Handle>(try require(handle, Content.name))
    let (isTaken, state) = found.pointee.state.compareExchange(
      expected: Content.tag, desired: Content.tag + 1, ordering: .acquiring)
    guard isTaken else {
      guard state == Content.tag + 1 else { throw .closed(Content.name) }
      throw Failure(RESNET_ERROR_BUSY, "expected one thread at a time, found another that uses it")
    }
    return found
  }
}

extension Failure {
  /// A handle that is none, or was closed.
  fileprivate static func closed(_ name: StaticString) -> Failure {
    Failure(expected: "\(name)", found: "a handle that is closed or of something else")
  }
}
