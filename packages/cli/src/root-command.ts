import { defineCommand } from 'citty'

/** All commands. Each is loaded only when needed, so that `--help` is fast. */
export const rootCommand = defineCommand({
  meta: {
    name: 'pnpm cli',
    description: 'Synchronous data-parallel training of image classifiers, on TensorFlow, over WebSockets',
  },
  subCommands: {
    train: () => import('./commands/train.ts').then(module => module.trainCommand),
    coordinator: () => import('./commands/coordinator.ts').then(module => module.coordinatorCommand),
    worker: () => import('./commands/worker.ts').then(module => module.workerCommand),
    'local-worker': () => import('./commands/local-worker.ts').then(module => module.localWorkerCommand),
    'host-worker': () => import('./commands/host-worker.ts').then(module => module.hostWorkerCommand),
    'supervised-coordinator': () =>
      import('./commands/supervised-coordinator.ts').then(module => module.supervisedCoordinatorCommand),
    evaluate: () => import('./commands/evaluate.ts').then(module => module.evaluateCommand),
    predict: () => import('./commands/predict.ts').then(module => module.predictCommand),
    plot: () => import('./commands/plot.ts').then(module => module.plotCommand),
    runs: () => import('./commands/runs.ts').then(module => module.runsCommand),
    export: () => import('./commands/export.ts').then(module => module.exportCommand),
    data: () => import('./commands/data.ts').then(module => module.dataCommand),
    doctor: () => import('./commands/doctor.ts').then(module => module.doctorCommand),
  },
})

/** The commands with so many flags that their help shows them in groups. */
export const commandsWithGroups: readonly string[] = ['train', 'coordinator']

/** Example command lines, shown below each command's usage. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  '': ['pnpm cli train --workers 4', 'pnpm cli runs', 'pnpm cli doctor'],
  train: [
    'pnpm cli train --workers 4',
    'pnpm cli train --workers 2 --dataset cifar10 --epochs 20 --early-stopping 5',
    'pnpm cli train --workers 4 --resume latest',
  ],
  coordinator: [
    'openssl rand -hex 32 > token',
    'pnpm cli coordinator --listen 0.0.0.0:7999 --token-file token --min-workers 4',
  ],
  worker: [
    'pnpm cli worker --connect ws://10.0.0.1:7999 --token-file token',
    'pnpm cli worker --connect ws://10.0.0.1:7999 --token-file token --workers 2',
  ],
  evaluate: ['pnpm cli evaluate latest'],
  predict: ['pnpm cli predict latest cat.png', 'pnpm cli predict latest --top 5 --json photos/*.jpg'],
  plot: ['pnpm cli plot latest', 'pnpm cli plot runs/first runs/second --out comparison'],
  runs: ['pnpm cli runs'],
  export: [
    'pnpm cli export latest --format saved-model',
    'pnpm cli export latest --format safetensors --out reference.safetensors',
  ],
  'data fetch': ['pnpm cli data fetch --dataset cifar10', 'pnpm cli data fetch --from cifar-10-binary.tar.gz'],
  'data info': [
    'pnpm cli data info --dataset cifar10 --sheet samples.png',
    'pnpm cli data info --dataset cifar10 --sheet augmented.png --augment',
  ],
  'data synthesize': ['pnpm cli data synthesize --format cifar100 --out synthetic'],
  doctor: ['pnpm cli doctor'],
}
