@testable import Energy

private let rapl = "class/powercap/intel-rapl:0"
private let chip = "class/hwmon/hwmon0"
private let battery = "class/power_supply/BAT0"

private func package(_ energy: String, range: String = "262143328850") -> [String: String] {
  below(rapl, ["name": "package-0", "energy_uj": energy, "max_energy_range_uj": range, "enabled": "1"])
}

private func monitor(_ name: String, _ files: [String: String]) -> [String: String] {
  below(chip, files.merging(["name": name]) { $1 })
}

private func cell(_ files: [String: String]) -> [String: String] {
  below(
    battery, files.merging(["type": "Battery", "present": "1", "status": "Discharging"]) { mine, _ in mine })
}

let powercapCases: [MeterCase] = [
  MeterCase("nothing at all", [:], []),
  MeterCase(
    "a package", package("1000000"), ["rapl:package-0 package"],
    [step(10, [rapl + "/energy_uj": "31000000"], joules(30)), step(10, joules(0))]),
  MeterCase(
    "a counter that wraps", package("262143000000"), ["rapl:package-0 package"],
    [step(10, [rapl + "/energy_uj": "671150"], nanojoules(1_000_001_000))]),
  MeterCase(
    "32 bits that wrap", package("4294967000", range: "4294967295"), ["rapl:package-0 package"],
    [step(1, [rapl + "/energy_uj": "704"], nanojoules(1_000_000))]),
  MeterCase(
    "package and platform",
    package("5").merging(
      below(
        "class/powercap/intel-rapl:1", ["name": "psys", "energy_uj": "7", "max_energy_range_uj": "100000000"])
    ) { $1 }, ["rapl:package-0 package", "rapl:psys board"],
    [step(1, [rapl + "/energy_uj": "2000005"], joules(2), joules(0))]),
  MeterCase(
    "cores and memory are parts of their package",
    package("5").merging(
      below(
        "class/powercap/intel-rapl:0:0", ["name": "core", "energy_uj": "1", "max_energy_range_uj": "100"])
    ) { $1 }, ["rapl:package-0 package"]),
  MeterCase(
    "the same package by another way",
    package("5").merging(
      below(
        "class/powercap/intel-rapl-mmio:0",
        ["name": "package-0", "energy_uj": "1", "max_energy_range_uj": "100"])
    ) { $1 },
    ["rapl:package-0 package"]),
  MeterCase("a zone that is switched off", package("5").merging([rapl + "/enabled": "0"]) { $1 }, []),
  MeterCase("a zone without a range", package("5", range: "0"), []),
  MeterCase(
    "suspended in between", package("900000000"), ["rapl:package-0 package"],
    [
      step(10, [rapl + "/energy_uj": "100"], suspended: 3600, .unmeasured(.suspended)),
      step(10, [rapl + "/energy_uj": "2000100"], joules(2)),
    ]),
  MeterCase(
    "gone and back", package("100"), ["rapl:package-0 package"],
    [
      step(1, [rapl + "/energy_uj": nil], .unmeasured(.unreadable)), step(1, .unmeasured(.unreadable)),
      step(1, [rapl + "/energy_uj": "50"], .begun), step(1, [rapl + "/energy_uj": "1000050"], joules(1)),
    ]),
  MeterCase(
    "too long for one wrap", package("100"), ["rapl:package-0 package"],
    [step(601, [rapl + "/energy_uj": "200"], .unmeasured(.late)), step(1, joules(0))]),
  MeterCase(
    "a leap that nothing draws", package("0"), ["rapl:package-0 package"],
    [step(1, [rapl + "/energy_uj": "2100000000"], .unmeasured(.implausible)), step(1, joules(0))]),
  MeterCase(
    "no number", package("100"), ["rapl:package-0 package"],
    [
      step(1, [rapl + "/energy_uj": "0x64"], .unmeasured(.malformed)),
      step(1, [rapl + "/energy_uj": "100"], .begun),
    ]),
  MeterCase(
    "a counter below 0", package("100"), ["rapl:package-0 package"],
    [
      step(1, [rapl + "/energy_uj": "-5"], .unmeasured(.negative)),
      step(1, [rapl + "/energy_uj": "5"], .begun),
    ]),
]

let monitorCases: [MeterCase] = [
  MeterCase(
    "INA219, steady", monitor("ina219", ["power1_input": "3000000"]), ["hwmon:ina219@hwmon0/power1 board"],
    [step(10, joules(30)), step(10, joules(30))]),
  MeterCase(
    "INA219, rising", monitor("ina219", ["power1_input": "2000000"]), ["hwmon:ina219@hwmon0/power1 board"],
    [step(10, [chip + "/power1_input": "4000000"], joules(30))]),
  MeterCase(
    "INA226 without power: bus voltage times current, not the shunt's",
    monitor("ina226", ["in0_input": "60", "in1_input": "5000", "curr1_input": "600"]),
    ["hwmon:ina226@hwmon0/rail1 board"], [step(10, joules(30))]),
  MeterCase(
    "INA228: its counter, before its power",
    monitor(
      "ina228",
      ["energy1_input": "5000000", "power1_input": "9000000", "in1_input": "5000", "curr1_input": "600"]),
    ["hwmon:ina228@hwmon0/energy1 board"], [step(1, [chip + "/energy1_input": "7000000"], joules(2))]),
  MeterCase(
    "a counter that is switched off: power",
    monitor("ina228", ["energy1_input": "5", "energy1_enable": "0", "power1_input": "9000000"]),
    ["hwmon:ina228@hwmon0/power1 board"], [step(1, joules(9))]),
  MeterCase(
    "a counter that was set back", monitor("ina228", ["energy1_input": "5000000"]),
    ["hwmon:ina228@hwmon0/energy1 board"],
    [
      step(1, [chip + "/energy1_input": "1000"], .unmeasured(.implausible)),
      step(1, [chip + "/energy1_input": "1001000"], joules(1)),
    ]),
  MeterCase(
    "INA238", monitor("ina238", ["power1_input": "250000", "in1_input": "5000", "curr1_input": "50"]),
    ["hwmon:ina238@hwmon0/power1 board"], [step(4, joules(1))]),
  MeterCase(
    "INA260 with a label of its own",
    monitor("ina260", ["power1_input": "1000000", "power1_label": "motors"]),
    ["hwmon:ina260@hwmon0/motors sensor"], [step(1, joules(1))]),
  MeterCase(
    "INA3221 as NVIDIA labels it",
    monitor(
      "ina3221",
      [
        "in1_label": "VDD_IN", "in1_input": "5000", "curr1_input": "1000", "in1_enable": "1",
        "in2_label": "VDD_CPU_GPU_CV", "in2_input": "5000", "curr2_input": "400", "in2_enable": "1",
        "in3_label": "VDD_SOC", "in3_input": "5000", "curr3_input": "200", "in3_enable": "1",
        "in4_input": "3", "in5_input": "2", "in6_input": "1", "in7_label": "sum of shunt voltages",
        "in7_input": "6",
        "curr4_input": "1600",
      ]),
    [
      "hwmon:ina3221@hwmon0/VDD_IN board", "hwmon:ina3221@hwmon0/VDD_CPU_GPU_CV package",
      "hwmon:ina3221@hwmon0/VDD_SOC package",
    ]),
  MeterCase(
    "INA3221 with a channel switched off",
    monitor(
      "ina3221",
      [
        "in1_input": "5000", "curr1_input": "1000", "in1_enable": "1", "in2_input": "0", "curr2_input": "0",
        "in2_enable": "0", "in3_input": "3300", "curr3_input": "100", "in3_enable": "1",
      ]), ["hwmon:ina3221@hwmon0/rail1 sensor", "hwmon:ina3221@hwmon0/rail3 sensor"],
    [step(1, joules(5), nanojoules(330_000_000))]),
  MeterCase(
    "a label that says shunt",
    monitor("ina3221", ["in1_label": "Shunt 1", "in1_input": "6", "curr1_input": "1000"]), []),
  MeterCase(
    "LTC2945", monitor("ltc2945", ["power1_input": "12000000", "in1_input": "12000", "curr1_input": "1000"]),
    ["hwmon:ltc2945@hwmon0/power1 board"], [step(1, joules(12))]),
  MeterCase(
    "LTC2947, two counters",
    monitor("ltc2947", ["energy1_input": "1", "energy2_input": "2", "power1_input": "5"]),
    ["hwmon:ltc2947@hwmon0/energy1 sensor", "hwmon:ltc2947@hwmon0/energy2 sensor"],
    [step(1, [chip + "/energy2_input": "1000002"], joules(0), joules(1))]),
  MeterCase(
    "LTC4151", monitor("ltc4151", ["in1_input": "24000", "in2_input": "1", "curr1_input": "500"]),
    ["hwmon:ltc4151@hwmon0/rail1 board"], [step(1, joules(12))]),
  MeterCase(
    "a fan controller", monitor("nct6775", ["in1_input": "12000", "curr1_input": "10", "power1_input": "5"]),
    []),
  MeterCase("a chip without a name", below(chip, ["power1_input": "5"]), []),
  MeterCase(
    "a driver of old, below device",
    below(chip + "/device", ["name": "ina219", "power1_input": "1000000"]),
    ["hwmon:ina219@hwmon0/power1 board"], [step(1, joules(1))]),
  MeterCase(
    "ACPI's meter", monitor("power_meter", ["power1_average": "200000000"]),
    ["hwmon:power_meter@hwmon0/power1 board"], [step(1, joules(200))]),
  MeterCase(
    "milliwatts for microwatts",
    monitor("ina219", ["power1_input": "3000", "in1_input": "5000", "curr1_input": "600"]),
    ["hwmon:ina219@hwmon0/power1 board"], [step(10, joules(30))]),
  MeterCase(
    "power that rounds beside its product stays",
    monitor("ina219", ["power1_input": "2980000", "in1_input": "5000", "curr1_input": "600"]),
    ["hwmon:ina219@hwmon0/power1 board"], [step(10, nanojoules(29_800_000_000))]),
  MeterCase(
    "a shunt the wrong way round", monitor("ina226", ["in1_input": "5000", "curr1_input": "-600"]),
    ["hwmon:ina226@hwmon0/rail1 board"], first: [.unmeasured(.negative)],
    [
      step(10, .unmeasured(.negative)), step(10, [chip + "/curr1_input": "600"], .begun),
      step(10, joules(30)),
    ]),
  MeterCase(
    "more than any board draws", monitor("ina219", ["power1_input": "5000000000"]),
    ["hwmon:ina219@hwmon0/power1 board"], first: [.unmeasured(.implausible)],
    [step(1, .unmeasured(.implausible))]),
  MeterCase(
    "samples too far apart", monitor("ina219", ["power1_input": "1000000"]),
    ["hwmon:ina219@hwmon0/power1 board"],
    [step(31, .unmeasured(.late)), step(30, joules(30))]),
  MeterCase(
    "power over a suspend", monitor("ina219", ["power1_input": "1000000"]),
    ["hwmon:ina219@hwmon0/power1 board"],
    [step(5, suspended: 4, .unmeasured(.suspended)), step(5, joules(5))]),
  MeterCase(
    "an empty file", monitor("ina219", ["power1_input": "1000000"]), ["hwmon:ina219@hwmon0/power1 board"],
    [
      step(1, [chip + "/power1_input": ""], .unmeasured(.unreadable)),
      step(1, [chip + "/power1_input": "1000000"], .begun), step(1, joules(1)),
    ]),
  MeterCase(
    "the current of a product is gone", monitor("ina226", ["in1_input": "5000", "curr1_input": "200"]),
    ["hwmon:ina226@hwmon0/rail1 board"],
    [step(1, joules(1)), step(1, [chip + "/curr1_input": nil], .unmeasured(.unreadable))]),
]

let batteryCases: [MeterCase] = [
  MeterCase(
    "a battery", cell(["power_now": "6000000"]), ["power-supply:BAT0 board"], [step(10, joules(60))]),
  MeterCase(
    "a gauge without power, and current below 0", cell(["voltage_now": "7400000", "current_now": "-500000"]),
    ["power-supply:BAT0 board"], [step(10, joules(37))]),
  MeterCase(
    "on the charger, and off it", cell(["power_now": "6000000", "status": "Charging"]),
    ["power-supply:BAT0 board"],
    first: [.unmeasured(.notDischarging)],
    [
      step(10, .unmeasured(.notDischarging)), step(10, [battery + "/status": "Discharging"], .begun),
      step(10, joules(60)), step(10, [battery + "/status": "Full"], .unmeasured(.notDischarging)),
    ]),
  MeterCase("a mouse's", cell(["power_now": "6000000", "scope": "Device"]), []),
  MeterCase("an empty bay", cell(["power_now": "0", "present": "0"]), []),
  MeterCase(
    "the mains", below("class/power_supply/AC", ["type": "Mains", "online": "1", "power_now": "5"]), []),
  MeterCase("a battery that says how full it is only", cell(["capacity": "80"]), []),
  MeterCase(
    "a battery in milliwatts",
    cell(["power_now": "6000", "voltage_now": "12000000", "current_now": "500000"]),
    ["power-supply:BAT0 board"], [step(1, joules(6))]),
  MeterCase(
    "taken out", cell(["power_now": "6000000"]), ["power-supply:BAT0 board"],
    [step(1, [battery + "/status": nil], .unmeasured(.unreadable))]),
]
