/** Español. */
import type { Words } from './words.ts';

export const es: Words = {
  marks: { proved: 'Probado', measured: 'Medido', believed: 'Supuesto', judgement: 'Valoración jurídica' },
  markMeanings: {
    proved: 'se sigue de cómo está construido el programa, y una prueba del código fuente falla si deja de ser cierto.',
    measured:
      'puede medirse en este mismo aparato; se indica la orden o el mensaje que lo hace. Muestra lo que ocurría en el momento de medir y no garantiza nada para después.',
    believed: 'no lo prueba ni lo mide este programa. Depende del equipo, de otros programas o de personas.',
    judgement:
      'corresponde decidirlo al responsable del tratamiento. El texto hace una propuesta razonada; no es asesoramiento jurídico.',
  },
  legendIntro: 'Las afirmaciones sobre el aparato llevan una de estas marcas:',
  fill: 'Completar:',
  levels: { low: 'baja', medium: 'media', high: 'alta' },
  fields: {
    controller_name: 'nombre del responsable del tratamiento',
    controller_address: 'dirección postal del responsable del tratamiento',
    contact_email: 'correo electrónico para preguntas',
    contact_phone: 'número de teléfono; si no, suprimir',
    place: 'nombre y dirección del local',
    dpo: 'nombre y contacto del delegado de protección de datos, o «ninguno designado»',
    notice_url: 'dirección web de la información sobre protección de datos',
    authority: 'autoridad de control competente',
    recipients: 'quién recibe las cifras, o «nadie más»',
    counts_kept: 'cuánto tiempo se conservan las cifras, y por qué',
  },
  none: 'ninguna',
  days: 'días',
  topicHead: ['Tema (topic)', 'Qué dice', 'Campos'],
  checkHead: ['Orden', 'Qué muestra'],
  topics: {
    status: 'si el contador está conectado',
    info: 'lo que no cambia hasta el próximo arranque: versiones, zona horaria, nombres de líneas y zonas, horario de apertura',
    schema: 'se describe a sí mismo: qué temas hay y qué significan sus campos',
    health: 'si el recuento funciona y, si no, por qué',
    privacy: 'cuántas imágenes se han leído, borrado y descartado, y cuánto tiempo han existido imágenes en la memoria',
    receipt:
      'para cada intervalo un recibo firmado: imágenes leídas y borradas, tiempo máximo en la memoria, con qué modelo, configuración y versión',
    total: 'totales acumulados de personas que entran y salen por una línea o entrada',
    interval: 'personas que entran y salen en un intervalo por una línea o entrada, con una estimación de los grupos',
    zone: 'visitas, duración y personas que pasan de largo en un intervalo para una zona, todo en sumas, medias o cuantiles',
    occupancy: 'cuántas personas hay en una zona',
    occupancyStore: 'una estimación de cuántas personas hay en la tienda',
    tally:
      'resultado de una comprobación a mano: horas y sentidos de los pasos, pulsados por una persona y contados por el aparato',
    simulation: 'solo con cámara simulada: el número verdadero de personas dibujadas',
    discovery: 'solo donde se usa Home Assistant: nombres, unidades y temas de estas cifras, para mostrarlas',
    setup:
      'solo en modo de ajuste, durante los minutos que ha pedido alguien con una clave: dónde están ahora las personas en la imagen, como puntos sin identidad',
    update: 'qué versión funciona y qué pasa con una más nueva: descargada, a prueba, conservada o retirada',
    reply: 'respuestas del aparato a las órdenes: hecho, o por qué no',
  },
  checks: {
    audit:
      'busca en toda la memoria de los dos programas las imágenes que se han mostrado al aparato; antes se asegura de que encontraría una',
    isolation:
      'intenta, desde dentro, llegar a una red desde la parte de la cámara, escribir un archivo, iniciar un programa o abrir la cámara desde la parte de la red',
    system:
      'comprueba lo que queda fuera del programa: memoria de intercambio, volcados de memoria, borrado de la memoria liberada, depuración',
    receipts:
      'comprueba la cadena firmada de recibos que acompaña a las cifras: imágenes leídas y borradas, versión, huecos y cambios',
    tally: 'compara el contador con una persona que cuenta en la misma puerta, sin grabar a nadie',
    papers: 'vuelve a hacer estos documentos a partir de la configuración',
  },
  sign: {
    headline: 'Aquí se cuentan visitantes',
    sentence: 'Una cámara cuenta cuántas personas entran y salen.',
    promises: ['No se reconoce a nadie.', 'No se guarda ninguna imagen.', 'Del contador solo salen números.'],
    promisesShort: 'No se reconoce a nadie. No se guarda ninguna imagen.',
    purpose: 'Finalidad: estadística de visitantes',
    responsible: 'Responsable',
    officer: 'Delegado de protección de datos',
    rights: 'Puede ejercer sus derechos de protección de datos, también el de oposición: contacte con nosotros.',
    scan: 'Información completa',
    ask: 'Pida la información completa a nuestro personal.',
  },
};
