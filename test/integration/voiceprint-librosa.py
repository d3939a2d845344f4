"""Log-mel by librosa of a file of raw float32 at 48 kHz, as raw float32 to a second file; the numbers of models/voiceprint/front-end.ts."""
import sys

import librosa
import numpy as np

pcm = np.fromfile(sys.argv[1], np.float32).astype(np.float64)
power = librosa.feature.melspectrogram(
    y=pcm, sr=48_000, n_fft=2048, hop_length=1024, window="hann", center=False, power=2.0, n_mels=128, fmin=0.0, fmax=20_000.0
)
librosa.power_to_db(power, ref=1.0, amin=1e-12, top_db=None).T.astype(np.float32).tofile(sys.argv[2])
