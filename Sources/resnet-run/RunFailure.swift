// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPhotoTool
import ResNetPlatform

/// Why resnet-run ends without its result.
// Unchecked: the paths are words of the command line, which live unchanged as long as the process.
enum RunFailure: Error, TextDescribable, @unchecked Sendable {
  /// What may befall every tool.
  case tool(ToolFailure)
  /// Frames cannot be converted.
  case frame(UnsafePointer<CChar>, ImageError)
  /// Frames could not be read; the value is an `errno`.
  case stream(UnsafePointer<CChar>, errno: Int32)
  /// The header of a stream is not what it should be; with what was expected, a text of the program.
  case header(UnsafePointer<CChar>, UnsafePointer<CChar>)
  /// A stream is not what it should be; with what was expected.
  case frames(UnsafePointer<CChar>, StaticString)
  /// A stream ended before its first frame was complete; in bytes.
  case noFrame(UnsafePointer<CChar>, expected: Int, found: Int)
  /// The plan has no output of that name.
  case unknownOutput(UnsafePointer<CChar>, UnsafeBufferPointer<UInt8>, OutputNames)
  /// The plan has an output in float32, of which there are no bytes.
  case noBytes(UnsafePointer<CChar>, OutputNames)
  /// More outputs are asked for than there may be.
  case tooManyOutputs(UnsafePointer<CChar>)
  /// The plan lacks logits or features, which an option or printing needs.
  case lacks(UnsafePointer<CChar>, StaticString, for: StaticString, OutputNames)
  /// The photos of a validation set cannot be found.
  case folders(PhotoFolderError)
  /// Frames cannot be saved in a folder; the value is an `errno`.
  case save(UnsafePointer<CChar>, errno: Int32)
  /// No image of a validation set can be read.
  case noReadableImage(UnsafePointer<CChar>)
  /// The folders of a validation set do not stand for the classes of the plan.
  case classes(UnsafePointer<CChar>, FolderMismatch)

  func describe(to line: inout TextLine) {
    switch self {
    case .tool(let failure): failure.describe(to: &line)
    case .frame(let word, let error): line.append("\(word): \(error)")
    case .stream(let path, ETIMEDOUT):
      line.append("\(path): \(FileError.noWriter)")
    case .stream(let path, ENXIO):
      line.append("\(path): \(FileError.notARegularFile)")
    case .stream(let path, let code): line.append("\(path): cannot read frames: \(errno: code)")
    case .header(let path, let expected): line.append("\(path): \(expected)")
    case .frames(let path, let expected): line.append("\(path): \(expected)")
    case .noFrame(let path, let expected, let found):
      line.append("\(path): expected frames of \(expected) bytes, found \(found) bytes in all")
    case .unknownOutput(let path, let name, let names):
      line.append("\(path): expected an output of the plan, \(names.text), found ")
      var index = 0
      while index < name.count {
        index += line.append(firstOf: UnsafeBufferPointer(rebasing: name[index...]), as: .line)
      }
    case .noBytes(let path, let name):
      line.append("\(path): expected --output-format float32 for \(name.text), which has no bytes")
    case .tooManyOutputs(let path):
      line.append("\(path): expected at most \(OutputOptions.limit) files of outputs")
    case .lacks(let path, let what, let purpose, let names):
      line.append("\(path): expected a plan with ")
      line.append(what)
      line.append(" for ")
      line.append(purpose)
      line.append(", found one with \(names.text)")
    case .folders(let error): error.describe(to: &line)
    case .save(let path, let code):
      line.append("\(path): cannot save frames in this folder: \(errno: code)")
    case .noReadableImage(let path): line.append("\(path): none of the images can be read")
    case .classes(let path, let mismatch): line.append("\(path): \(mismatch)")
    }
  }
}

/// Does what may fail in every tool.
func shared<Result: ~Copyable>(
  _ work: @autoclosure () throws(ToolFailure) -> Result
) throws(RunFailure) -> Result {
  do throws(ToolFailure) {
    return try work()
  } catch {
    throw .tool(error)
  }
}
