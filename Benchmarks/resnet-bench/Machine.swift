// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform

/// What stays the same about a machine while it measures.
struct Machine {
  /// The model of the board or of the CPU, as ``processorName()`` tells.
  let cpu: TextLine
  /// The frequency governor of CPU 0; empty if the system does not tell.
  let governor: TextLine
  /// The highest clock of CPU 0 in MHz.
  let maximumClock: Double?

  init() {
    cpu = processorName()
    governor =
      SystemFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")?.line() ?? TextLine()
    maximumClock = SystemFile("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")?.thousandths
  }
}

/// What heat and power do to a machine at one moment.
struct MachineState {
  /// The clock of CPU 0 in MHz.
  let clock: Double?
  /// The temperature of the CPU in degrees Celsius.
  let temperature: Double?
  /// The flags of the Raspberry Pi's firmware: bits 0…3 now, 16…19 since the board was switched on.
  let firmwareFlags: Int?
  /// How often the CPU was slowed down because of heat, as x86 kernels count.
  let throttleCount: Int?

  init() {
    clock =
      SystemFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")?.thousandths
      ?? SystemFile("/proc/cpuinfo")?.decimal(after: "cpu MHz")
    // The thermal zone that is named after the CPU, or else the first one, or else the sensor inside the CPU.
    let zone: StaticString = "/sys/class/thermal/thermal_zone"
    temperature =
      MachineState.temperature(zone, "type", ["cpu", "x86_pkg_temp", "soc"], "temp")
      ?? MachineState.temperature(zone, "type", ["", "", ""], "temp")
      ?? MachineState.temperature(
        "/sys/class/hwmon/hwmon", "name", ["coretemp", "k10temp", "cpu_thermal"], "temp1_input")
    // What the firmware's own tool says, where the kernel has no such device: throttled=0x50000.
    firmwareFlags =
      MachineState.readFirmwareFlags()
      ?? SystemFile(outputOf: "vcgencmd get_throttled 2>/dev/null")?
      .number(after: "throttled", base: 16)
    throttleCount = MachineState.readThrottleCount()
  }

  /// What a numbered folder tells in the file `value`, the first whose file `name` starts with one of the names.
  private static func temperature(
    _ folder: StaticString, _ name: StaticString, _ names: InlineArray<3, StaticString>,
    _ value: StaticString
  ) -> Double? {
    for index in 0..<32 {
      guard let file = SystemFile("\(folder)\(index)/\(name)") else { continue }
      for place in names.indices where file.starts(with: names[place]) {
        return SystemFile("\(folder)\(index)/\(value)")?.thousandths
      }
    }
    return nil
  }

  /// The firmware's device has another name on each generation of boards, its driver has not.
  private static func readFirmwareFlags() -> Int? {
    let folder: StaticString = "/sys/bus/platform/drivers/raspberrypi-firmware/"
    var list: UnsafeMutablePointer<UnsafeMutablePointer<dirent>?>?
    let count = rn_list_directory(folder.cString, &list)
    guard count >= 0, let list else { return nil }
    var flags: Int?
    for index in 0..<Int(count) {
      let entry = list[index]!
      if flags == nil {
        flags = SystemFile("\(folder)\(rn_entry_name(entry))/get_throttled")?.number(base: 16)
      }
      free(entry)
    }
    free(list)
    return flags
  }

  private static func readThrottleCount() -> Int? {
    let folder: StaticString = "/sys/devices/system/cpu/cpu0/thermal_throttle/"
    let core = SystemFile("\(folder)core_throttle_count")?.number()
    let package = SystemFile("\(folder)package_throttle_count")?.number()
    guard core != nil || package != nil else { return nil }
    return (core ?? 0) + (package ?? 0)
  }
}
