/** Français. Espaces insécables devant : ; ! ? et dans les guillemets. */
import type { Words } from './words.ts';

export const fr: Words = {
  marks: { proved: 'Prouvé', measured: 'Mesuré', believed: 'Supposé', judgement: 'Appréciation juridique' },
  markMeanings: {
    proved: 'découle de la construction du programme, et un test du code source échoue si ce n’est plus vrai.',
    measured:
      'peut être mesuré sur cet appareil même ; la commande ou le message qui le fait est indiqué. La mesure dit ce qu’il en était à ce moment et ne garantit rien pour la suite.',
    believed:
      'n’est ni prouvé ni mesuré par ce programme. Cela repose sur le matériel, sur d’autres logiciels ou sur des personnes.',
    judgement:
      'relève de la décision du responsable du traitement. Le texte fait une proposition motivée ; il ne constitue pas un conseil juridique.',
  },
  legendIntro: 'Les affirmations sur l’appareil portent l’une de ces marques :',
  fill: 'À compléter :',
  levels: { low: 'faible', medium: 'moyenne', high: 'élevée' },
  fields: {
    controller_name: 'nom du responsable du traitement',
    controller_address: 'adresse postale du responsable du traitement',
    contact_email: 'adresse électronique pour les questions',
    contact_phone: 'numéro de téléphone, sinon supprimer',
    place: 'nom et adresse du site',
    dpo: 'nom et coordonnées du délégué à la protection des données, ou « aucun désigné »',
    notice_url: 'adresse web de la notice d’information',
    authority: 'autorité de contrôle compétente',
    recipients: 'qui reçoit les chiffres, ou « personne d’autre »',
    counts_kept: 'durée de conservation des chiffres, et pourquoi',
  },
  none: 'aucune',
  days: 'jours',
  topicHead: ['Sujet (topic)', 'Ce qu’il dit', 'Champs'],
  checkHead: ['Commande', 'Ce qu’elle montre'],
  topics: {
    status: 'si le compteur est connecté',
    info: 'ce qui ne change pas jusqu’au prochain démarrage : versions, fuseau horaire, noms des lignes et des zones, horaires d’ouverture',
    schema: 'se décrit lui-même : quels topics existent et ce que signifient leurs champs',
    health: 'si le comptage fonctionne et, sinon, pourquoi',
    privacy:
      'combien d’images ont été lues, effacées et écartées, et combien de temps des images ont existé en mémoire',
    receipt:
      'pour chaque intervalle un reçu signé : images lues et effacées, durée maximale en mémoire, avec quel modèle, quelle configuration et quelle version',
    total: 'totaux courants des personnes entrées et sorties pour une ligne ou une entrée',
    interval:
      'personnes entrées et sorties pendant un intervalle pour une ligne ou une entrée, avec une estimation du nombre de groupes',
    zone: 'visites, durées et passants pendant un intervalle pour une zone, le tout en sommes, moyennes ou quantiles',
    occupancy: 'combien de personnes se trouvent dans une zone',
    occupancyStore: 'une estimation du nombre de personnes dans le magasin',
    tally:
      'résultat d’un contrôle manuel : heures et sens des passages, saisis par une personne et comptés par l’appareil',
    simulation: 'uniquement avec une caméra simulée : le vrai nombre de personnes dessinées',
    discovery: 'uniquement si Home Assistant est utilisé : noms, unités et topics de ces chiffres, pour son affichage',
    setup:
      'uniquement en mode de réglage, pendant les minutes demandées par une personne munie d’une clé : où se trouvent les personnes dans l’image à cet instant, en points sans identité',
    update: 'quelle version fonctionne et ce que devient une plus récente : téléchargée, à l’essai, gardée ou retirée',
    reply: 'réponses de l’appareil aux commandes : fait, ou pourquoi non',
  },
  checks: {
    audit:
      'cherche dans toute la mémoire des deux programmes les images montrées à l’appareil ; s’assure d’abord qu’une image serait trouvée',
    isolation:
      'essaie, de l’intérieur, d’atteindre un réseau depuis la partie caméra, d’écrire un fichier, de lancer un programme ou d’ouvrir la caméra depuis la partie réseau',
    system:
      'vérifie ce qui est hors du programme : mémoire d’échange, vidages de la mémoire, effacement de la mémoire libérée, débogage',
    receipts:
      'vérifie la chaîne signée des reçus qui accompagnent les chiffres : images lues et effacées, version, lacunes et modifications',
    tally: 'compare le compteur à une personne qui compte à la même porte, sans enregistrer qui que ce soit',
    papers: 'refait ces documents à partir de la configuration',
  },
  sign: {
    headline: 'Ici, on compte les visiteurs',
    sentence: 'Une caméra compte combien de personnes entrent et sortent.',
    promises: ['Personne n’est reconnu.', 'Aucune image n’est conservée.', 'Seuls des chiffres quittent le compteur.'],
    promisesShort: 'Personne n’est reconnu. Aucune image n’est conservée.',
    purpose: 'Finalité : statistiques de fréquentation',
    responsible: 'Responsable',
    officer: 'Délégué à la protection des données',
    rights: 'Questions, opposition et vos autres droits sur les données : contactez-nous.',
    scan: 'Notice d’information complète',
    ask: 'Demandez la notice complète à notre personnel.',
  },
};
