// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import ResNetBoardTool
import ResNetModelImport
import ResNetPlatform
import ResNetQuantization

extension Quantize {
  typealias NamedFile = (role: StaticString, path: String)

  private var written: [NamedFile] { [("-o", output)] + reports.map { ("--report", $0) } }

  /// Checks that what is written takes the place of nothing that is read.
  func checkFiles() throws {
    var inputs: [NamedFile] = []
    if let checkpoint {
      inputs.append(("the checkpoint", checkpoint))
      inputs += ModelConfiguration.paths(beside: checkpoint).map { ("the model's files", $0) }
    }
    if let classes { inputs.append(("--classes", classes == "-" ? "/dev/stdin" : classes)) }
    try check(inputs)
    // What is not there yet is no photo.
    guard written.contains(where: { access($0.path, F_OK) == 0 }) else { return }
    for case (let role, let folder?) in [
      ("a photo of --calibration", calibration), ("a photo of --evaluate", evaluate),
    ] as [(StaticString, String?)] {
      var files = PhotoFiles()
      // A folder that cannot be searched is told where its photos are needed.
      try? files.search(folder)
      try check(files.photos.map { (role, $0) })
    }
  }

  /// Checks that no output is one of the files, or another output.
  func check(_ files: [NamedFile]) throws {
    for (index, output) in written.enumerated() {
      try output.path.withCString { path in
        let paths = try checked { () throws(UsageError) in
          try OutputPaths([NamedPath(output.role, path)])
        }
        for file in written[..<index] + files {
          try file.path.withCString { path in
            try checked { () throws(UsageError) in try paths.check(file.role, path) }
          }
        }
      }
    }
  }

  /// Describes an error while the paths in it live.
  private func checked<Result>(_ work: () throws(UsageError) -> Result) throws -> Result {
    do throws(UsageError) {
      return try work()
    } catch {
      throw ValidationError(error.description)
    }
  }
}
