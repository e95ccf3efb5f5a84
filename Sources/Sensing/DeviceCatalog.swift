import CALSA
import Glibc
import Linux
import Vocabulary

/// A camera that is plugged in.
package struct CameraDevice: Equatable, Sendable {
  package var path: String
  /// What `device =` may call it: the name in `/sys`, and the driver's where that is another.
  package var name: String
  package var card: String?
  /// In `/dev/v4l`: names that it keeps.
  package var links: [String]
  /// What it can deliver; nil where it may not be opened.
  package var offer: CameraOffer?
  package var fault: SensingError?
}

/// A sound card that records.
package struct MicrophoneDevice: Hashable, Sendable {
  /// `plughw:CARD=C270,DEV=0`.
  package var name: String
  package var title: String
}

/// The machine's devices, by what their drivers say. No stream is opened, so that nobody who uses one is disturbed.
package enum DeviceCatalog {
  package static func cameras(_ calls: CameraCalls = .system) -> [CameraDevice] {
    let links = ["/dev/v4l/by-id", "/dev/v4l/by-path"].flatMap { folder in
      ((try? directoryNames(folder)) ?? []).sorted().map { "\(folder)/\($0)" }
    }
    return CameraPath.nodes().map { node in
      var camera = CameraDevice(
        path: node.path, name: node.name, card: CameraPath.card(of: node.path, calls),
        links: links.filter { target(of: $0) == node.path })
      let descriptor = calls.open(node.path)
      if descriptor < 0 {
        camera.fault = SensingError(node.path, call: "open", errno: -descriptor, inUse: false)
        return camera
      }
      defer { calls.close(descriptor) }
      camera.offer = CameraOffer(of: descriptor, calls)
      return camera
    }
  }

  /// Where a link leads.
  private static func target(of link: String) -> String? {
    guard let resolved = realpath(link, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// By ALSA's list of names, of which those of a card are kept.
  package static func microphones() -> [MicrophoneDevice] {
    mmx_alsa_silence()
    var hints: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    guard snd_device_name_hint(-1, "pcm", &hints) == 0, let hints else { return [] }
    defer { snd_device_name_free_hint(hints) }
    var found: [MicrophoneDevice] = []
    var next = hints
    while let hint = next.pointee {
      next += 1
      // Nil: for recording and playing.
      guard let name = text(hint, "NAME"), name.hasPrefix("plughw:"), text(hint, "IOID") != "Output" else {
        continue
      }
      let title = (text(hint, "DESC") ?? "").split(separator: "\n").first.map(String.init)
      found.append(MicrophoneDevice(name: name, title: title ?? ""))
    }
    return found
  }

  private static func text(_ hint: UnsafeMutableRawPointer, _ key: String) -> String? {
    guard let value = snd_device_name_get_hint(hint, key) else { return nil }
    defer { free(value) }
    return String(cString: value)
  }
}
