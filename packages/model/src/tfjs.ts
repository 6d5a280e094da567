import * as tf from '@tensorflow/tfjs'

// In production mode tfjs keeps its warnings and its banner about the cpu backend off the console.
tf.enableProdMode()

export { tf }
