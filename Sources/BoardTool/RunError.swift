// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlanFormat
public import ResNetPlatform
public import ResNetRuntime

/// Why a run ends without its result. The paths are words of the command line, which live unchanged
/// as long as the process.
public enum RunError: Error, @unchecked Sendable {
  case plan(UnsafePointer<CChar>, PlanError)
  case session(UnsafePointer<CChar>, SessionError)
  /// The environment variable RN_ISA names no usable instruction set.
  case environment(SessionError)
  case outOfMemory(bytes: Int)
  /// A file could not be written; the value is an `errno`.
  case output(UnsafePointer<CChar>, errno: Int32)
  /// The path of a file to write names something that cannot be replaced by a file.
  case outputIsNotAFile(UnsafePointer<CChar>)
  case standardOutput(errno: Int32)
  /// A measurement to compare with could not be mapped.
  case baseline(UnsafePointer<CChar>, FileError)
  /// A measurement to compare with is not what resnet-bench writes.
  case strangeBaseline(UnsafePointer<CChar>, byte: Int, expected: StaticString)
  /// The last run gave other logits than the first.
  case changedOutput(UnsafePointer<CChar>)
  /// Frames could not be read.
  case stream(UnsafePointer<CChar>, errno: Int32)
  /// A stream ended before its first frame was complete.
  case noFrame(UnsafePointer<CChar>, expected: Int, found: Int)
  case folder(UnsafePointer<CChar>, errno: Int32)
  case noImages(UnsafePointer<CChar>)
  case noReadableImage(UnsafePointer<CChar>)
  case folderCount(UnsafePointer<CChar>, folders: Int, classes: Int)
  /// Some folders are named like classes, but this many are not.
  case strangeFolders(UnsafePointer<CChar>, count: Int, folders: Int)

  /// Appends what was expected and what was found.
  public func describe(to line: inout TextLine) {
    switch self {
    case .plan(let path, let error):
      line.append(cString: path)
      line.append(": ")
      error.describe(to: &line)
    case .session(let path, let error):
      line.append(cString: path)
      line.append(": ")
      error.describe(to: &line)
    case .environment(let error):
      line.append("RN_ISA: ")
      error.describe(to: &line)
    case .outOfMemory(let bytes):
      line.append("out of memory: ")
      line.append(bytes)
      line.append(" bytes are not to be had")
    case .output(let path, let code):
      line.append(cString: path)
      line.append(": cannot write the file: ")
      line.append(cString: strerror(code))
    case .outputIsNotAFile(let path):
      line.append(cString: path)
      line.append(": cannot write the file: expected a regular file or a free name")
    case .standardOutput(let code):
      line.append("cannot write to standard output: ")
      line.append(cString: strerror(code))
    case .baseline(let path, let error):
      line.append(cString: path)
      line.append(": ")
      error.describe(to: &line)
    case .strangeBaseline(let path, let byte, let expected):
      line.append(cString: path)
      line.append(": byte ")
      line.append(byte)
      line.append(": expected ")
      line.append(expected)
    case .changedOutput(let path):
      line.append(cString: path)
      line.append(": the same image gave different logits: suspect the memory or the power supply")
    case .stream(let path, let code):
      line.append(cString: path)
      line.append(": cannot read frames: ")
      line.append(cString: strerror(code))
    case .noFrame(let path, let expected, let found):
      line.append(cString: path)
      line.append(": expected frames of ")
      line.append(expected)
      line.append(" bytes, found ")
      line.append(found)
      line.append(" bytes in all")
    case .folder(let path, let code):
      line.append(cString: path)
      line.append(": cannot read the folder: ")
      line.append(cString: strerror(code))
    case .noImages(let path):
      line.append(cString: path)
      line.append(": expected folders with .jpg, .jpeg or .png images, found none")
    case .noReadableImage(let path):
      line.append(cString: path)
      line.append(": none of the images can be read")
    case .folderCount(let path, let folders, let classes):
      line.append(cString: path)
      line.append(": expected folders named after classes of the plan, or one for each of its ")
      line.append(classes)
      line.append(" classes, found ")
      line.append(folders)
      line.append(folders == 1 ? " folder of another name" : " folders of other names")
    case .strangeFolders(let path, let count, let folders):
      line.append(cString: path)
      line.append(": expected every folder to be named after a class of the plan, found ")
      line.append(count)
      line.append(" of ")
      line.append(folders)
      line.append(" that are not")
    }
  }
}
