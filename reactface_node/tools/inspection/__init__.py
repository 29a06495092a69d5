"""Why a recording works badly: what its camera, its microphone and the face in it are like."""
