/** Svenska. */
import type { Words } from './words.ts';

export const sv: Words = {
  marks: { proved: 'Bevisat', measured: 'Uppmätt', believed: 'Antaget', judgement: 'Rättslig bedömning' },
  markMeanings: {
    proved: 'följer av hur programmet är byggt, och ett test i den källkoden slår larm om det upphör att gälla.',
    measured:
      'kan mätas på just den här enheten; kommandot eller meddelandet som gör det anges. Det visar hur det var när mätningen gjordes och garanterar inget för framtiden.',
    believed:
      'är varken bevisat eller uppmätt av programmet. Det vilar på maskinvara, på annan programvara eller på människor.',
    judgement:
      'är något som den personuppgiftsansvarige måste avgöra. Texten ger ett förslag med skäl; den är inte juridisk rådgivning.',
  },
  legendIntro: 'Påståenden om enheten är märkta så här:',
  fill: 'Fyll i:',
  levels: { low: 'låg', medium: 'medel', high: 'hög' },
  fields: {
    controller_name: 'den personuppgiftsansvariges namn',
    controller_address: 'den personuppgiftsansvariges postadress',
    contact_email: 'e-postadress för frågor',
    contact_phone: 'telefonnummer, eller stryk',
    place: 'platsens namn och adress',
    dpo: 'dataskyddsombudets namn och kontaktuppgifter, eller ”inget utsett”',
    notice_url: 'webbadress till integritetsinformationen',
    authority: 'behörig tillsynsmyndighet',
    recipients: 'vem som får siffrorna, eller ”ingen annan”',
    counts_kept: 'hur länge siffrorna sparas, och varför',
  },
  none: 'inga',
  days: 'dagar',
  topicHead: ['Ämne', 'Vad det säger', 'Fält'],
  checkHead: ['Kommando', 'Vad det visar'],
  topics: {
    status: 'om räknaren är ansluten',
    info: 'det som är oförändrat fram till nästa start: versioner, tidszon, namn på linjer och zoner, öppettider',
    schema: 'beskriver sig självt: vilka ämnen som finns och vad deras fält betyder',
    health: 'om räkningen fungerar, och annars varför inte',
    privacy: 'hur många bilder som lästs, raderats och hoppats över, och hur länge bilder funnits i minnet',
    receipt:
      'för varje intervall ett signerat kvitto: lästa och raderade bilder, längsta tid i minnet, med vilken modell, konfiguration och version',
    total: 'löpande totaler för antalet in och ut över en linje eller entré',
    interval: 'antalet in och ut under ett intervall för en linje eller entré, med en uppskattning av antalet sällskap',
    zone: 'besök, vistelsetid och förbipasserande under ett intervall för en zon, allt som summor, medelvärden eller kvantiler',
    occupancy: 'hur många som är i en zon just nu',
    occupancyStore: 'en uppskattning av hur många som är i butiken just nu',
    tally:
      'resultatet av en manuell kontroll: tider och riktningar för passager, knapptryckta av en person och räknade av enheten',
    simulation: 'endast med simulerad kamera: det sanna antalet tecknade personer',
    discovery: 'endast där Home Assistant används: siffrornas namn, enheter och ämnen, för dess visning',
    setup:
      'endast i inställningsläge, under de minuter som någon med en nyckel har begärt: var i bilden personer är just nu, som punkter utan identitet',
    update: 'vilken version som körs och vad som händer med en nyare: hämtad, på prov, behållen eller återtagen',
    reply: 'enhetens svar på kommandon: utfört, eller varför inte',
  },
  checks: {
    audit:
      'söker igenom båda programmens hela minne efter bilder som enheten har visats; kontrollerar först att den skulle hitta en bild',
    isolation:
      'försöker inifrån nå ett nätverk från kameradelen, skriva en fil, starta ett program eller öppna kameran från nätverksdelen',
    system:
      'kontrollerar det som ligger utanför programmet: växlingsminne, minnesdumpar, nollställning av frigjort minne, felsökning',
    receipts:
      'kontrollerar den signerade kedja av kvitton som följer med siffrorna: lästa och raderade bilder, version, luckor och ändringar',
    tally: 'jämför räknaren med en person som räknar vid samma dörr, utan att någon spelas in',
    papers: 'skapar dessa handlingar på nytt ur konfigurationen',
  },
  sign: {
    headline: 'Här räknas besökare',
    sentence: 'En kamera räknar hur många som går in och ut.',
    promises: ['Ingen blir igenkänd.', 'Ingen bild sparas.', 'Bara siffror lämnar räknaren.'],
    promisesShort: 'Ingen blir igenkänd. Ingen bild sparas.',
    purpose: 'Ändamål: besöksstatistik',
    responsible: 'Ansvarig',
    officer: 'Dataskyddsombud',
    rights: 'Frågor, invändningar och dina övriga rättigheter enligt dataskyddsförordningen: kontakta oss.',
    scan: 'Fullständig information',
    ask: 'Fråga personalen efter fullständig information.',
  },
};
