// SPDX-License-Identifier: Apache-2.0

/// The model of the board or, where a device tree names none, of the CPU; empty if the system does not tell.
///
/// - **Allocates:** nothing that stays.
public func processorName() -> TextLine {
  SystemFile("/proc/device-tree/model")?.line()
    ?? SystemFile("/proc/cpuinfo")?.line(after: "model name") ?? TextLine()
}
