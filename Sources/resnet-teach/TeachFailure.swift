// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
import ResNetPhotoTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetTeaching

/// Why resnet-teach ends without a plan.
// Unchecked: the paths are words of the command line, which live unchanged as long as the process.
enum TeachFailure: Error, TextDescribable, @unchecked Sendable {
  /// What may befall every tool.
  case tool(ToolFailure)
  /// The photos cannot be found.
  case folders(PhotoFolderError)
  /// A photo cannot be read for want of memory or descriptors.
  case system(UnsafePointer<CChar>, TextLine)
  /// The photos cannot be learned.
  case photos(UnsafePointer<CChar>, TeachingError)
  /// A class, by name, has too few photos.
  case tooFew(UnsafePointer<CChar>, TextLine, found: Int)
  /// The plan's classifier cannot be replaced.
  case plan(UnsafePointer<CChar>, TaughtPlanError)
  /// The plan that was made breaks a rule: an error of this tool.
  case result(UnsafePointer<CChar>, PlanError)
  /// Kept features cannot be taken.
  case features(UnsafePointer<CChar>, FeatureFileError)
  /// Kept features cannot be read.
  case featureFile(UnsafePointer<CChar>, FileError)

  func describe(to line: inout TextLine) {
    switch self {
    case .tool(let failure): failure.describe(to: &line)
    case .folders(let error): error.describe(to: &line)
    case .system(let path, let words): line.append("\(path): \(words)")
    case .photos(let path, .classCount(1)):
      line.append("\(path): expected folders of at least 2 classes, found 1")
    case .photos(let path, let error): line.append("\(path): \(error)")
    case .tooFew(let path, let name, let found):
      line.append("\(path): expected at least 2 photos that can be read of each class, found ")
      line.append("\(found) of \(name)")
    case .plan(let path, let error): line.append("\(path): \(error)")
    case .result(let path, let error):
      line.append("\(path): not written, for an error of resnet-teach: \(error)")
    case .features(let path, let error): line.append("\(path): \(error)")
    case .featureFile(let path, let error): line.append("\(path): \(error)")
    }
  }
}

/// Does what may fail in every tool.
func shared<Result: ~Copyable>(
  _ work: @autoclosure () throws(ToolFailure) -> Result
) throws(TeachFailure) -> Result {
  do throws(ToolFailure) {
    return try work()
  } catch {
    throw .tool(error)
  }
}

/// Does what may fail with folders of photos.
func ofFolders<Result: ~Copyable>(
  _ work: @autoclosure () throws(PhotoFolderError) -> Result
) throws(TeachFailure) -> Result {
  do throws(PhotoFolderError) {
    return try work()
  } catch {
    throw .folders(error)
  }
}
