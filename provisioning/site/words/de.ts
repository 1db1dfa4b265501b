/** Deutsch. */
import type { Words } from './words.ts';

export const de: Words = {
  marks: { proved: 'Nachgewiesen', measured: 'Gemessen', believed: 'Angenommen', judgement: 'Rechtliche Bewertung' },
  markMeanings: {
    proved: 'folgt aus dem Aufbau des Programms, und ein Test im Quelltext schlägt fehl, sobald es nicht mehr stimmt.',
    measured:
      'lässt sich an genau diesem Gerät messen; der Befehl oder die Nachricht dazu ist genannt. Es zeigt den Zustand zur Zeit der Messung und garantiert nichts für später.',
    believed:
      'wird von diesem Programm weder nachgewiesen noch gemessen. Es beruht auf Hardware, auf anderer Software oder auf Menschen.',
    judgement:
      'hat der Verantwortliche zu entscheiden. Der Text macht einen begründeten Vorschlag; er ist keine Rechtsberatung.',
  },
  legendIntro: 'Aussagen über das Gerät sind so gekennzeichnet:',
  fill: 'Ausfüllen:',
  levels: { low: 'gering', medium: 'mittel', high: 'hoch' },
  fields: {
    controller_name: 'Name des Verantwortlichen',
    controller_address: 'Postanschrift des Verantwortlichen',
    contact_email: 'E-Mail-Adresse für Fragen',
    contact_phone: 'Telefonnummer, sonst streichen',
    place: 'Name und Anschrift des Standorts',
    dpo: 'Name und Kontakt des Datenschutzbeauftragten oder „keiner benannt“',
    notice_url: 'Internetadresse der Datenschutzhinweise',
    authority: 'zuständige Aufsichtsbehörde',
    recipients: 'wer die Zahlen erhält, oder „niemand sonst“',
    counts_kept: 'wie lange die Zahlen aufbewahrt werden, und warum',
  },
  none: 'keine',
  days: 'Tage',
  topicHead: ['Topic', 'Was es sagt', 'Felder'],
  checkHead: ['Befehl', 'Was er zeigt'],
  topics: {
    status: 'ob der Zähler verbunden ist',
    info: 'was bis zum nächsten Start gleich bleibt: Versionen, Zeitzone, Namen der Linien und Zonen, Öffnungszeiten',
    schema: 'beschreibt sich selbst: welche Topics es gibt und was ihre Felder bedeuten',
    health: 'ob das Zählen funktioniert, und wenn nicht, warum',
    privacy: 'wie viele Bilder gelesen, gelöscht und ausgelassen wurden und wie lange Bilder im Speicher waren',
    receipt:
      'für jedes Intervall eine signierte Quittung: gelesene und gelöschte Bilder, längste Zeit im Speicher, mit welchem Modell, welcher Konfiguration und Version',
    total: 'laufende Summen der Personen hinein und hinaus für eine Linie oder einen Eingang',
    interval:
      'Personen hinein und hinaus in einem Intervall für eine Linie oder einen Eingang, mit einer Schätzung der Gruppen',
    zone: 'Besuche, Verweildauer und Vorbeigehende in einem Intervall für eine Zone, alles als Summen, Mittelwerte oder Quantile',
    occupancy: 'wie viele Personen gerade in einer Zone sind',
    occupancyStore: 'eine Schätzung, wie viele Personen gerade im Geschäft sind',
    tally:
      'Ergebnis einer Kontrolle von Hand: Zeiten und Richtungen von Durchgängen, von einer Person gedrückt und vom Gerät gezählt',
    simulation: 'nur mit simulierter Kamera: die wahre Zahl der gezeichneten Personen',
    discovery: 'nur wo Home Assistant genutzt wird: Namen, Einheiten und Topics dieser Zahlen, für dessen Anzeige',
    setup:
      'nur im Einrichtbetrieb, für die Minuten, die jemand mit einem Schlüssel verlangt hat: wo im Bild gerade Personen sind, als Punkte ohne Identität',
    update: 'welche Version läuft und was aus einer neueren wird: geholt, auf Probe, behalten oder zurückgenommen',
    reply: 'Antworten des Geräts auf Befehle: ausgeführt, oder warum nicht',
  },
  checks: {
    audit:
      'durchsucht den gesamten Speicher beider Programme nach Bildern, die dem Gerät gezeigt wurden; stellt zuerst sicher, dass ein Bild gefunden würde',
    isolation:
      'versucht von innen, aus dem Kamerateil ein Netz zu erreichen, eine Datei zu schreiben, ein Programm zu starten oder aus dem Netzteil die Kamera zu öffnen',
    system:
      'prüft, was außerhalb des Programms liegt: Auslagerungsspeicher, Speicherabbilder, Löschen freigegebenen Speichers, Fehlersuche',
    receipts:
      'prüft die signierte Kette der Belege, die mit den Zahlen kommen: gelesene und gelöschte Bilder, Version, Lücken und Änderungen',
    tally: 'vergleicht den Zähler mit einer Person, die an derselben Tür zählt, ohne dass jemand aufgenommen wird',
    papers: 'erstellt diese Unterlagen neu aus der Konfiguration',
  },
  sign: {
    headline: 'Hier werden Besucher gezählt',
    sentence: 'Eine Kamera zählt, wie viele Menschen hinein- und hinausgehen.',
    promises: ['Niemand wird erkannt.', 'Kein Bild wird aufbewahrt.', 'Nur Zahlen verlassen den Zähler.'],
    promisesShort: 'Niemand wird erkannt. Kein Bild wird aufbewahrt.',
    purpose: 'Zweck: Besucherstatistik',
    responsible: 'Verantwortlich',
    officer: 'Datenschutz',
    rights: 'Fragen, Widerspruch und Ihre weiteren Datenschutzrechte: Bitte wenden Sie sich an uns.',
    scan: 'Vollständige Hinweise',
    ask: 'Die vollständigen Hinweise erhalten Sie bei unserem Personal.',
  },
};
