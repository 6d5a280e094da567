import type { CifarName } from './format.ts'

/** The official names in label order, for data sets without a file of names. */
export const cifarClassNames: Readonly<Record<CifarName, readonly string[]>> = {
  cifar10: words('airplane automobile bird cat deer dog frog horse ship truck'),
  cifar100: words(`
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
    forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
    sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
    willow_tree wolf woman worm`),
}

/** Parses the names in `batches.meta.txt` or `fine_label_names.txt`, one per line. */
export function parseClassNames(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
