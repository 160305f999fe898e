import sys

from exercises.survey import main

main(sys.argv[1:])
