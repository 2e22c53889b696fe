// SPDX-License-Identifier: Apache-2.0

import Glibc
import ResNetPlatform

/// Tells a line on stderr, whether or not the tool is quiet. Names of files and of layers may be any text: what
/// cannot be shown is escaped.
func tell(_ line: String) { writeError("resnet-quantize: \(String(line, as: .line))\n") }

/// Writes text to stderr, as it is. That nobody can read it is no reason to stop.
func writeError(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Prints a line in which names of files and of layers may be any text: what cannot be shown is escaped.
func printLine(_ line: String) { print(String(line, as: .line)) }
