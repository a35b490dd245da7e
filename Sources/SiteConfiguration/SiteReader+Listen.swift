import CallControl
import Digest
import Foundation
import SIP

// Where the site listens, and what it shows of itself there.

extension SiteReader {
  mutating func readListen() {
    let listen = top["listen"]
    if let http = listen?["http"] {
      site.listen.http.address = http["address"]?.text ?? site.listen.http.address
      site.listen.http.port = http["port"]?.port ?? site.listen.http.port
      site.listen.http.certificate = readCertificate(http)
      site.listen.http.trustedProxies = http["trusted_proxies"]?.list.compactMap { $0.text.flatMap(addressRange) } ?? []
    }
    if let sip = listen?["sip"] {
      site.listen.sip.address = sip["address"]?.text ?? site.listen.sip.address
      site.listen.sip.advertisedAddress = sip["advertised_address"]?.text ?? site.listen.sip.address
      if let place = unadvertised(sip) {
        report(place, "`sip` listens everywhere, so it needs an `advertised_address`")
      }
      site.listen.sip.udp = sip["udp"]?.port ?? site.listen.sip.udp
      site.listen.sip.tcp = sip["tcp"]?.port ?? site.listen.sip.tcp
      site.listen.sip.certificate = readCertificate(sip)
      site.listen.sip.tls = sip["tls"]?.port ?? (sip["certificate_file"] == nil ? 0 : 5061)
      if site.listen.sip.tls != 0, sip["certificate_file"] == nil, let place = sip["tls"]?.place {
        report(place, "`tls` needs a `certificate_file` and a `key_file`")
      }
      if site.listen.sip.tls != 0, site.listen.sip.tls == site.listen.sip.tcp, let place = sip["tls"]?.place {
        report(place, "`tls` and `tcp` cannot have the same port")
      }
      site.listen.sip.authoritiesFile = sip["authorities_file"].flatMap { readAuthorities($0) }
    }
    if let media = listen?["media"] {
      site.listen.media.address = media["address"]?.text ?? site.listen.media.address
      site.listen.media.advertisedAddress = media["advertised_address"]?.text ?? site.listen.media.address
      if let place = unadvertised(media) {
        report(place, "`media` listens everywhere, so it needs an `advertised_address`")
      }
      site.listen.media.ports = media["ports"]?.text.flatMap(portRange) ?? site.listen.media.ports
      site.listen.media.webPort = media["web_port"]?.port ?? site.listen.media.ports.upperBound
      site.listen.media.webAddresses =
        media["web_addresses"]?.list.compactMap(\.text) ?? [site.listen.media.advertisedAddress]
    }
  }

  /// Where an address that stands for all is written, and no other to tell the far end.
  private func unadvertised(_ item: Item) -> Place? {
    guard let address = item["address"], item["advertised_address"] == nil else { return nil }
    return ["0.0.0.0", "::"].contains(address.text) ? address.place : nil
  }

  /// Who is spoken to over TLS must be able to answer so.
  mutating func needTLS(for uri: URI, _ text: String, at place: Place) {
    guard uri.transport == .tls, site.listen.sip.tls == 0 else { return }
    report(place, "`\(text)` speaks TLS, so `listen: sip` needs a `certificate_file` and a `key_file`")
  }

  // Certificates.

  /// A certificate and its key, which must fit each other. What is expired, or is about to be, is a doubt only: a
  /// server that does not start helps nobody.
  private mutating func readCertificate(_ item: Item) -> Site.Listen.Certificate? {
    let (certificate, key) = (item["certificate_file"], item["key_file"])
    guard let certificate, let key else {
      if let lonely = certificate ?? key { report(lonely.place, "`certificate_file` and `key_file` go together") }
      return nil
    }
    guard let file = existing(certificate, "certificate_file"), let keyFile = existing(key, "key_file") else {
      return nil
    }
    var place = certificate.place
    do throws(PEMError) {
      let read = try Certificate(pem: contents(of: file))
      warnOfDates(read, file, certificate.place)
      place = key.place
      guard try read.belongs(toKey: contents(of: keyFile)) else {
        report(key.place, "`key_file`: the key in `\(keyFile)` is not that of the certificate in `\(file)`")
        return nil
      }
    } catch {
      let (label, named) = place == key.place ? ("key_file", keyFile) : ("certificate_file", file)
      report(place, "`\(label)`: the file `\(named)` \(error)")
      return nil
    }
    return Site.Listen.Certificate(file: file, keyFile: keyFile)
  }

  private mutating func warnOfDates(_ certificate: Certificate, _ file: String, _ place: Place) {
    func day(_ seconds: Int64) -> String {
      Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601.year().month().day())
    }
    let now = Int64(Date().timeIntervalSince1970)
    switch now {
    case ..<certificate.notBefore:
      warn(place, "the certificate in `\(file)` is not valid before \(day(certificate.notBefore))")
    case certificate.notAfter...:
      warn(place, "the certificate in `\(file)` expired on \(day(certificate.notAfter)): phones and browsers refuse it")
    case (certificate.notAfter - 14 * 86_400)...:
      warn(place, "the certificate in `\(file)` expires on \(day(certificate.notAfter))")
    default: break
    }
  }

  private mutating func readAuthorities(_ item: Item) -> String? {
    guard let file = existing(item, "authorities_file") else { return nil }
    do throws(PEMError) {
      _ = try Certificate(pem: contents(of: file))
    } catch {
      report(item.place, "`authorities_file`: the file `\(file)` \(error)")
    }
    return file
  }

  private func contents(of file: String) -> [UInt8] { FileManager.default.contents(atPath: file).map(Array.init) ?? [] }
}
