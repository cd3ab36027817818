"""Front ends: raw image, text, sound, video, tables and series to nodes with features, place and time."""

from mmgraph.features.augment import Augmented, Cleaned
from mmgraph.features.augment_image import Colour, Crop, Flip, Rotate, Scale
from mmgraph.features.augment_sound import Loudness, MaskSpectrum, Noise, Shift
from mmgraph.features.augment_text import DropWords
from mmgraph.features.boxes import Boxes
from mmgraph.features.cached import Cached
from mmgraph.features.character_grams import CharacterGrams
from mmgraph.features.clean import FitImage, LevelSound, TidyText, TrimSilence
from mmgraph.features.log_mel import LogMel
from mmgraph.features.mfcc import MFCC
from mmgraph.features.objects import Objects
from mmgraph.features.parsed_words import ParsedWords
from mmgraph.features.patches import Patches
from mmgraph.features.precomputed import Features, read_features
from mmgraph.features.read import read_image, read_sound
from mmgraph.features.sentences import Sentences
from mmgraph.features.sound_windows import SoundWindows
from mmgraph.features.speech_vectors import SpeechVectors
from mmgraph.features.subwords import Subwords
from mmgraph.features.superpixels import Superpixels
from mmgraph.features.tabular import Table
from mmgraph.features.text_vectors import TextVectors
from mmgraph.features.time_series import TimeSeries
from mmgraph.features.utterances import Utterances
from mmgraph.features.video import Video, read_video
from mmgraph.features.voice_segments import VoiceSegments
from mmgraph.features.words import Words

__all__ = [
    "MFCC",
    "Augmented",
    "Boxes",
    "Cached",
    "CharacterGrams",
    "Cleaned",
    "Colour",
    "Crop",
    "DropWords",
    "Features",
    "FitImage",
    "Flip",
    "LevelSound",
    "LogMel",
    "Loudness",
    "MaskSpectrum",
    "Noise",
    "Objects",
    "ParsedWords",
    "Patches",
    "Rotate",
    "Scale",
    "Sentences",
    "Shift",
    "SoundWindows",
    "SpeechVectors",
    "Subwords",
    "Superpixels",
    "Table",
    "TextVectors",
    "TidyText",
    "TimeSeries",
    "TrimSilence",
    "Utterances",
    "Video",
    "VoiceSegments",
    "Words",
    "read_features",
    "read_image",
    "read_sound",
    "read_video",
]
