# bash completion for clustercheckd; a test compares it with clustercheckd --help

# The keys are those of the program that is being typed.
_clustercheckd_keys() {
	"$1" --help 2>/dev/null | awk '
		/^\[[a-z]+\]$/ { section = substr($0, 2, length($0) - 2) }
		/^\[.* / { section = "" }
		section != "" && /^  [a-z_]+=/ { sub(/=.*/, ""); print section "." $1 "=" }'
}

_clustercheckd() {
	local options="--config --option --check-config --dump-config --help --version"
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	case $previous in
	-c | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	-o | --option)
		compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(
			compgen -W "$(_clustercheckd_keys "${COMP_WORDS[0]}")" -- "$word"
		)
		;;
	*)
		if [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		fi
		;;
	esac
}

complete -F _clustercheckd clustercheckd
