// SPDX-License-Identifier: Apache-2.0

import CResNetLibrary
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import ResNetTeaching

/// Why a call failed, whose words the thread keeps.
struct Failure: Error {
  let status: resnet_status

  init(_ status: resnet_status, _ words: TextLine) {
    words.withUTF8 { rn_keep_error_text($0.baseAddress, $0.count) }
    self.status = status
  }

  init(_ error: some ReportableError) { self.init(error.status, "\(error)") }

  /// A wrong argument.
  init(expected: TextLine, found: TextLine) {
    self.init(RESNET_ERROR_ARGUMENT, "expected \(expected), found \(found)")
  }
}

/// An error of the modules behind the library.
protocol ReportableError: Error, TextDescribable {
  var status: resnet_status { get }
}

extension PlanError: ReportableError {
  var status: resnet_status {
    if case .file = self { RESNET_ERROR_FILE } else { RESNET_ERROR_PLAN }
  }
}

extension SessionError: ReportableError {
  var status: resnet_status {
    if case .outOfMemory = self { RESNET_ERROR_MEMORY } else { RESNET_ERROR_SESSION }
  }
}

extension ImageError: ReportableError {
  var status: resnet_status { self == .outOfMemory ? RESNET_ERROR_MEMORY : RESNET_ERROR_IMAGE }
}

extension FileError: ReportableError {
  var status: resnet_status { RESNET_ERROR_FILE }
}

extension TeachingError: ReportableError {
  var status: resnet_status {
    if case .outOfMemory = self { RESNET_ERROR_MEMORY } else { RESNET_ERROR_ARGUMENT }
  }
}

extension TaughtPlanError: ReportableError {
  var status: resnet_status { RESNET_ERROR_ARGUMENT }
}

/// Does what may fail, for C.
func report(_ work: () throws(Failure) -> Void) -> resnet_status {
  do throws(Failure) {
    try work()
    return RESNET_OK
  } catch {
    return error.status
  }
}

/// Does what may fail in the modules behind the library.
func attempt<Result: ~Copyable, Cause: ReportableError>(
  _ work: () throws(Cause) -> Result
) throws(Failure) -> Result {
  do throws(Cause) {
    return try work()
  } catch {
    throw Failure(error)
  }
}

/// What a pointer that must not be null is.
func require<Pointer>(_ pointer: Pointer?, _ name: StaticString) throws(Failure) -> Pointer {
  guard let pointer else { throw Failure(expected: "\(name)", found: "a null pointer") }
  return pointer
}

/// Bytes that the caller gave.
func bytes(
  _ start: UnsafeRawPointer?, _ count: Int, _ name: StaticString
) throws(Failure) -> UnsafeRawBufferPointer {
  let start = try require(start, name)
  // A size_t above the greatest Int is negative here.
  guard count >= 0 else { throw Failure(expected: "\(name) below 2^63 bytes", found: "more") }
  return UnsafeRawBufferPointer(start: start, count: count)
}

/// A struct, which starts with its size, of this version.
func requireStruct<Pointer: _Pointer>(
  _ pointer: Pointer?, _ name: StaticString
) throws(Failure) -> Pointer {
  let pointer = try require(pointer, name)
  let found = UnsafeRawPointer(bitPattern: UInt(bitPattern: pointer))!.load(as: UInt.self)
  let expected = MemoryLayout<Pointer.Pointee>.size
  guard found == expected else {
    throw Failure(
      expected: "\(name) of \(expected) bytes as of \(packageVersion)", found: "\(found)")
  }
  return pointer
}
