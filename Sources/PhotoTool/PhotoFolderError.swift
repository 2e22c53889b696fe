// SPDX-License-Identifier: Apache-2.0

public import ResNetBoardTool
public import ResNetPlatform

/// Why the photos of labelled folders cannot be found.
// Unchecked: the paths are words of the command line, which live unchanged as long as the process.
public enum PhotoFolderError: Error, TextDescribable, @unchecked Sendable {
  /// What may befall every tool.
  case tool(ToolFailure)
  /// A folder could not be listed; the value is an `errno`.
  case folder(UnsafePointer<CChar>, errno: Int32)
  /// The folders hold no images.
  case noImages(UnsafePointer<CChar>)

  public func describe(to line: inout TextLine) {
    switch self {
    case .tool(let failure): failure.describe(to: &line)
    case .folder(let path, let code):
      line.append("\(path): cannot read the folder: \(errno: code)")
    case .noImages(let path):
      line.append("\(path): expected folders with JPEG or PNG images, found none")
    }
  }
}
