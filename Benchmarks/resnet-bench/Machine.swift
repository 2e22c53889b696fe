// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform

/// What stays the same about a machine while it measures.
struct Machine {
  /// The model of the board or of the CPU; empty if the system does not tell.
  let cpu: TextLine
  /// The frequency governor of CPU 0; empty if the system does not tell.
  let governor: TextLine
  /// The highest clock of CPU 0 in MHz.
  let maximumClock: Double?

  init() {
    cpu =
      SystemFile("/proc/device-tree/model")?.line
      ?? SystemFile("/proc/cpuinfo")?.value(of: "model name") ?? TextLine()
    governor =
      SystemFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")?.line ?? TextLine()
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
    clock = MachineState.readClock()
    temperature = MachineState.zoneTemperature() ?? MachineState.sensorTemperature()
    firmwareFlags = MachineState.readFirmwareFlags() ?? MachineState.askFirmware()
    throttleCount = MachineState.readThrottleCount()
  }

  private static func readClock() -> Double? {
    let clock = SystemFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")?.thousandths
    if let clock { return clock }
    guard let text = SystemFile("/proc/cpuinfo")?.value(of: "cpu MHz") else { return nil }
    var line = text
    line.append(byte: 0)
    let megahertz = line.withUTF8 { bytes in
      strtod(UnsafeRawPointer(bytes.baseAddress!).assumingMemoryBound(to: CChar.self), nil)
    }
    return megahertz > 0 ? megahertz : nil
  }

  /// The thermal zone that is named after the CPU, or else the first one.
  private static func zoneTemperature() -> Double? {
    var zone: Int?
    for index in 0..<32 {
      guard let type = SystemFile("/sys/class/thermal/thermal_zone\(index)/type")?.line
      else { continue }
      if zone == nil { zone = index }
      if type.starts(with: "cpu") || type.starts(with: "x86_pkg_temp") || type.starts(with: "soc") {
        zone = index
        break
      }
    }
    guard let zone else { return nil }
    return SystemFile("/sys/class/thermal/thermal_zone\(zone)/temp")?.thousandths
  }

  /// The sensor inside the CPU.
  private static func sensorTemperature() -> Double? {
    for index in 0..<32 {
      guard let name = SystemFile("/sys/class/hwmon/hwmon\(index)/name")?.line,
        name.starts(with: "coretemp") || name.starts(with: "k10temp")
          || name.starts(with: "cpu_thermal")
      else { continue }
      return SystemFile("/sys/class/hwmon/hwmon\(index)/temp1_input")?.thousandths
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
        flags = SystemFile("\(folder)\(rn_entry_name(entry))/get_throttled")?.hexadecimal
      }
      free(entry)
    }
    free(list)
    return flags
  }

  /// What the firmware's own tool says, where the kernel has no such device: throttled=0x50000.
  private static func askFirmware() -> Int? {
    let command: StaticString = "vcgencmd get_throttled 2>/dev/null"
    guard let output = popen(command.cString, ("re" as StaticString).cString) else { return nil }
    var text = InlineArray<64, CChar>(repeating: 0)
    return withUnsafeMutableBytes(of: &text) { bytes -> Int? in
      let line = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
      let isRead = fgets(line, 64, output) != nil
      guard pclose(output) == 0, isRead else { return nil }
      line[strcspn(line, ("\n" as StaticString).cString)] = 0
      let prefix: StaticString = "throttled=0x"
      let length = prefix.utf8CodeUnitCount
      guard strncmp(line, prefix.cString, length) == 0 else { return nil }
      var end: UnsafeMutablePointer<CChar>?
      let flags = strtol(line + length, &end, 16)
      return end!.pointee == 0 && end! > line + length && flags >= 0 ? flags : nil
    }
  }

  private static func readThrottleCount() -> Int? {
    let core = SystemFile(
      "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count")?.number
    let package = SystemFile(
      "/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count")?.number
    guard core != nil || package != nil else { return nil }
    return (core ?? 0) + (package ?? 0)
  }
}
